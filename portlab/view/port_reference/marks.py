"""How clear text and encryption are shown: a shape and a word, in the colour of the text (colours are for states)."""

from __future__ import annotations

from dataclasses import dataclass

_EYE = (
    '<path d="M1 6Q7 -1 13 6Q7 13 1 6Z" fill="none" stroke="currentColor" stroke-width="1.4"/>'
    '<circle cx="7" cy="6" r="2.2" fill="currentColor"/>'
)
_BODY = (
    '<rect x="3" y="5.3" width="8" height="5.7" rx="1.2" fill="{}" stroke="currentColor" stroke-width="1.2"/>'
)
_SHACKLE = '<path d="M4.5 5.5V{}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
_LOCK = _SHACKLE.format("4a2.5 2.5 0 0 1 5 0v1.5") + _BODY.format("currentColor")
_OPEN_LOCK = _SHACKLE.format("3.2a2.5 2.5 0 0 1 4.9 -.5") + _BODY.format("none")


@dataclass(frozen=True, slots=True)
class Secrecy:
    """Can somebody on the way read it?  `group` is what the reference filters by."""

    group: str
    words: str
    shape: str

    def html(self) -> str:
        """Shape and word; the shape is hidden from screen readers."""
        drawn = f'<svg class="glyph" width="14" height="12" viewBox="0 0 14 12" aria-hidden="true">{self.shape}</svg>'
        return f'<span class="secrecy">{drawn}<span>{self.words}</span></span>'


SECRECY = {
    "clear": Secrecy("clear", "clear text", _EYE),
    "starttls": Secrecy("either", "clear, TLS on request", _OPEN_LOCK),
    "optional": Secrecy("either", "depends on its settings", _OPEN_LOCK),
    "tls": Secrecy("encrypted", "encrypted: TLS", _LOCK),
    "native": Secrecy("encrypted", "encrypted in its own way", _LOCK),
}
"""By `Port.encrypted`."""

GROUPS = {"clear": "clear text", "encrypted": "encrypted", "either": "either way"}

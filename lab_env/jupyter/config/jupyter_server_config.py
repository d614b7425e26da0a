"""What JSON cannot say: where the extension lies, beside this file.  The reasons are in README.md."""

from pathlib import Path

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - Jupyter puts it here
c.LabApp.extra_labextensions_path = [str(Path(__file__).parent / "labextensions")]

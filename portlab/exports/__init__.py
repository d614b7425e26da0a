"""Results out of PortLab and back: DataFrame, CSV, JSON, nmap's XML.

Every form has the same columns (`table.COLUMNS`).  What is written whole is read back exact; a file that is not what
it should be gives MalformedPacket, a path that cannot be read or written BadTarget.
"""

from portlab.exports.as_json import read_json, to_json
from portlab.exports.events import to_events_frame
from portlab.exports.nmap_read import read_nmap_xml
from portlab.exports.nmap_xml import to_nmap_xml
from portlab.exports.table import to_csv, to_frame

__all__ = [
    "read_json",
    "read_nmap_xml",
    "to_csv",
    "to_events_frame",
    "to_frame",
    "to_json",
    "to_nmap_xml",
]

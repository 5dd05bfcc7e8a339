"""Channel codes (码化): a person, a place, a scene and a campaign in one printed code; a scan says whose it was."""

from bankloop.growth.codes.contracts import STATES, ChannelCode, CodeEntry, CodeRequest, CodeScans, CodeState
from bankloop.growth.codes.errors import bad_poster, no_address, no_folder
from bankloop.growth.codes.links import address_of, device_of, link_of, read_link
from bankloop.growth.codes.poster import POSTERS, code_svg, drawn_codes
from bankloop.growth.codes.reading import MOST_LISTED, code_of, codes, scans_of
from bankloop.growth.codes.scanning import enter
from bankloop.growth.codes.service import make_code, revoke_code

__all__ = [
    "MOST_LISTED",
    "POSTERS",
    "STATES",
    "ChannelCode",
    "CodeEntry",
    "CodeRequest",
    "CodeScans",
    "CodeState",
    "address_of",
    "bad_poster",
    "code_of",
    "code_svg",
    "codes",
    "device_of",
    "drawn_codes",
    "enter",
    "link_of",
    "make_code",
    "no_address",
    "no_folder",
    "read_link",
    "revoke_code",
    "scans_of",
]

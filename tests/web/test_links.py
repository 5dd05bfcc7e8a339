"""What a customer's page leads to opens, and is nobody's where the customer is not one's own."""

from __future__ import annotations

import re

from tests.web.conftest import Staffed


def test_each_link_of_a_customer_s_page_opens(staffed: Staffed) -> None:
    manager = staffed.of("relationship_manager")
    client, own = staffed.client(manager), staffed.own_customer(manager)
    page = client.get(f"/customers/{own}").text
    found = set(re.findall(rf'href="(/customers/{own}/[a-z]+)"', page))
    assert {f"/customers/{own}/{one}" for one in ("identities", "way")} <= found
    for place in found:
        assert client.get(place).status_code == 200, place
        assert client.get(place.replace(own, "C99999999")).status_code == 404, place

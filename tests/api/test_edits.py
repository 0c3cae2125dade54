"""Edits of profiles over the wire: each refusal, what is only tried out, and that the next answer obeys."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from app.api.schemas.edits import EditedOut
from app.api.schemas.profiles import ProfileOut
from app.domain.limits import MAX_EDITS_REQUEST, MAX_STATEMENT
from app.services.embed_texts import embed_texts

from .wire import Service, problem_of

SHELVES = {
    "trout": "Larder > Fish > Trout",
    "carp": "Larder > Fish > Carp",
    "rye": "Larder > Bread > Rye",
    "roll": "Larder > Bread > Rolls",
    "rolls": "Bakery > Rolls",
}


@pytest.fixture(scope="module")
def larder(client: httpx2.Client, service: Service) -> httpx2.Client:
    items = [
        {"item_id": f"larder-{name}", "title": name.title(), "categories": [path], "attributes": {"mill": f"no-{name}"}}
        for name, path in SHELVES.items()
    ]
    assert client.post("/items", json=items).status_code == 200
    service.run(lambda _: service.app.state.follower.step())
    return client


def known(client: httpx2.Client, user: str) -> str:
    """A user with a behaviour; returns the tag of their profile."""
    client.post("/behaviors", json={"user_id": user, "item_id": "larder-rye", "type": "purchase"})
    return tag_of(client, user)


def tag_of(client: httpx2.Client, user: str) -> str:
    return client.get(f"/users/{user}/profile").headers["etag"]


def edit(
    client: httpx2.Client, user: str, *edits: dict[str, Any], tag: str | None = None, query: str = ""
) -> httpx2.Response:
    headers = {} if tag is None else {"if-match": tag}
    return client.patch(f"/users/{user}/profile{query}", json={"edits": list(edits)}, headers=headers)


def shown(client: httpx2.Client, user: str, query: str = "") -> set[str]:
    answer = client.get(f"/users/{user}/recommendations?limit=200&category=Larder&seen=include{query}").json()
    return {one["item_id"] for one in answer["items"]}


def test_an_edit_is_answered_with_the_new_profile_and_obeyed_at_once(larder: httpx2.Client) -> None:
    tag = known(larder, "ed-1")
    assert "larder-trout" in shown(larder, "ed-1")
    answer = edit(larder, "ed-1", {"action": "never", "facet": "category:larder > fish"}, tag=tag)
    assert answer.status_code == 200
    told = EditedOut.model_validate_json(answer.content)
    assert [one.edit.in_words for one in told.applied] == ["no fish"]
    read = larder.get("/users/ed-1/profile")
    assert answer.headers["etag"] == read.headers["etag"]
    assert answer.json()["profile"] == read.json()
    profile = ProfileOut.model_validate_json(read.content)
    assert [(one.facet, one.edited) for one in profile.avoids] == [("category:larder > fish", True)]
    assert [one.action for one in profile.edits] == ["never"]
    assert "Asked for no fish" in profile.summary.text
    assert shown(larder, "ed-1") == {"larder-rye", "larder-roll"}


def test_the_tag_of_an_answer_serves_for_the_next_edit(larder: httpx2.Client) -> None:
    tag = known(larder, "ed-2")
    first = edit(larder, "ed-2", {"action": "never", "item_id": "larder-carp"}, tag=tag)
    edit_id = first.json()["applied"][0]["edit"]["edit_id"]
    assert shown(larder, "ed-2") & {"larder-trout", "larder-carp"} == {"larder-trout"}
    second = edit(larder, "ed-2", {"action": "revert", "edit_id": edit_id}, tag=first.headers["etag"])
    assert second.status_code == 200
    assert second.json()["profile"]["edits"] == []
    assert "larder-carp" in shown(larder, "ed-2")


def test_a_pinned_item_comes_first_with_its_reason(larder: httpx2.Client) -> None:
    edit(larder, "ed-3", {"action": "pin", "item_id": "larder-roll"}, tag=known(larder, "ed-3"))
    (first, *_) = larder.get("/users/ed-3/recommendations?limit=3&explain=full").json()["items"]
    assert (first["item_id"], first["source"]) == ("larder-roll", "wished")
    assert first["reason"] == {"code": "asked", "text": "You asked to see this first", "evidence": ["larder-roll"]}


def test_somebody_unknown_begins_with_an_edit(larder: httpx2.Client) -> None:
    assert edit(larder, "ed-new", {"action": "more", "facet": "rye"}).status_code == 200
    interests = larder.get("/users/ed-new/profile").json()["interests"]
    assert [(one["label"], one["edited"]) for one in interests] == [("rye", True)]
    assert larder.get("/users/ed-new").json()["version"] == 1


def test_who_does_not_know_the_profile_may_not_change_it(larder: httpx2.Client) -> None:
    tag = known(larder, "ed-4")
    change = {"action": "more", "facet": "rye"}
    assert problem_of(edit(larder, "ed-4", change), 428)["code"] == "precondition_required"
    larder.post("/behaviors", json={"user_id": "ed-4", "item_id": "larder-roll", "type": "view"})
    assert problem_of(edit(larder, "ed-4", change, tag=tag), 412)["code"] == "profile_changed"
    assert problem_of(edit(larder, "ed-nobody", change, tag=tag), 412)["code"] == "profile_changed"
    assert larder.get("/users/ed-4/profile").json()["edits"] == []
    assert edit(larder, "ed-4", change, tag="*").status_code == 200


def test_of_two_edits_on_one_profile_one_comes_too_late(larder: httpx2.Client) -> None:
    tag = known(larder, "ed-5")
    assert edit(larder, "ed-5", {"action": "more", "facet": "rye"}, tag=tag).status_code == 200
    problem_of(edit(larder, "ed-5", {"action": "less", "facet": "rye"}, tag=tag), 412)


def test_a_dry_run_tells_and_changes_nothing(larder: httpx2.Client) -> None:
    tag = known(larder, "ed-6")
    answer = edit(larder, "ed-6", {"action": "never", "facet": "fish"}, query="?dry_run=true")
    told = EditedOut.model_validate_json(answer.content)
    assert told.dry_run
    assert told.applied[0].edit.in_words == "no fish"
    assert [one.label for one in told.profile.avoids] == ["fish"]
    assert tag_of(larder, "ed-6") == tag
    problem_of(edit(larder, "ed-6", {"action": "never", "facet": "fish"}, tag='"old"', query="?dry_run=true"), 412)
    assert edit(larder, "ed-7", {"action": "never", "facet": "fish"}, query="?dry_run=true").status_code == 200
    problem_of(larder.get("/users/ed-7"), 404)


@pytest.mark.parametrize(
    ("change", "code", "pointer", "hint"),
    [
        ({"action": "more", "facet": "breed"}, "facet_unknown", "/edits/0/facet", "`category:larder > bread`"),
        ({"action": "more", "facet": "rolls"}, "facet_ambiguous", "/edits/0/facet", "`category:bakery > rolls`"),
        ({"action": "more", "facet": "qqqqqqqqqqqq"}, "facet_unknown", "/edits/0/facet", "category:"),
        ({"action": "more", "item_id": "larder-none"}, "item_unknown", "/edits/0/item_id", ""),
        ({"action": "revert", "edit_id": "none"}, "edit_unknown", "/edits/0/edit_id", ""),
        (
            {"action": "more", "facet": "rye", "expires_at": "2020-01-01T00:00:00Z"},
            "already_over",
            "/edits/0/expires_at",
            "",
        ),
        ({"action": "more", "facet": "rye", "expires_at": "tomorrow"}, "invalid_time", "/edits/0/expires_at", ""),
        ({"action": "more"}, "missing_field", "/edits/0/facet", ""),
        ({"action": "more", "facet": "rye", "item_id": "larder-rye"}, "misplaced_field", "/edits/0/item_id", ""),
        ({"action": "more", "facet": "rye", "text": "rye"}, "misplaced_field", "/edits/0/text", "`facet` or `item_id`"),
        ({"action": "statement"}, "missing_field", "/edits/0/text", ""),
        (
            {"action": "revert", "edit_id": "x", "expires_at": "2100-01-01T00:00:00Z"},
            "misplaced_field",
            "/edits/0/expires_at",
            "",
        ),
        ({"action": "statement", "text": "x" * (MAX_STATEMENT + 1)}, "text_too_long", "/edits/0/text", ""),
        ({"action": "statement", "text": "please"}, "not_understood", "/edits/0/text", ""),
        ({"action": "statement", "text": "more fish and no fish"}, "edit_conflict", "/edits/0/text", ""),
        ({"action": "love", "facet": "rye"}, "invalid_value", "/edits/0/action", ""),
        ({"action": "more", "facett": "rye"}, "unknown_field", "/edits/0/facett", "`facet`"),
        ({"action": "more", "facet": ""}, "invalid_value", "/edits/0/facet", ""),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_hint(
    larder: httpx2.Client, change: dict[str, Any], code: str, pointer: str, hint: str
) -> None:
    body = problem_of(edit(larder, "ed-refused", change), 422)
    (fault,) = body["errors"]
    assert (fault["code"], fault["pointer"]) == (code, pointer)
    assert hint in fault["hint"]
    problem_of(larder.get("/users/ed-refused"), 404)


@pytest.mark.parametrize(
    "changes",
    [
        ({"action": "more", "facet": "rye"}, {"action": "less", "facet": "category:larder > bread > rye"}),
        ({"action": "never", "facet": "fish"}, {"action": "pin", "facet": "trout"}),
        ({"action": "pin", "item_id": "larder-trout"}, {"action": "never", "facet": "fish"}),
    ],
)
def test_changes_that_contradict_each_other_are_refused(
    larder: httpx2.Client, changes: tuple[dict[str, Any], ...]
) -> None:
    (fault,) = problem_of(edit(larder, "ed-refused", *changes), 422)["errors"]
    assert (fault["code"], fault["pointer"]) == ("edit_conflict", "/edits/1")


def test_all_of_the_changes_are_made_or_none(larder: httpx2.Client) -> None:
    changes = (
        {"action": "more", "facet": "rye"},
        {"action": "more", "facet": "breed"},
        {"action": "more", "facet": "trutt"},
    )
    body = problem_of(edit(larder, "ed-refused", *changes), 422)
    assert [fault["pointer"] for fault in body["errors"]] == ["/edits/1/facet", "/edits/2/facet"]
    problem_of(larder.get("/users/ed-refused"), 404)


def test_a_request_carries_so_many_changes(larder: httpx2.Client) -> None:
    change = {"action": "more", "facet": "rye"}
    assert edit(larder, "ed-many", *[change] * MAX_EDITS_REQUEST).status_code == 200
    for n in (0, MAX_EDITS_REQUEST + 1):
        (fault,) = problem_of(edit(larder, "ed-refused", *[change] * n), 422)["errors"]
        assert fault["pointer"] == "/edits"


def test_an_edit_against_an_earlier_one_says_that_it_takes_its_place(larder: httpx2.Client) -> None:
    first = edit(larder, "ed-8", {"action": "never", "facet": "fish"})
    second = edit(larder, "ed-8", {"action": "more", "facet": "fish"}, tag=first.headers["etag"]).json()
    (applied,) = second["applied"]
    assert applied["supersedes"] == [first.json()["applied"][0]["edit"]["edit_id"]]
    assert applied["notes"] == ["Takes the place of “no fish”."]
    assert "larder-trout" in shown(larder, "ed-8")


def test_what_still_wins_over_an_edit_is_told(larder: httpx2.Client) -> None:
    first = edit(larder, "ed-9", {"action": "never", "facet": "fish"})
    told = edit(larder, "ed-9", {"action": "more", "facet": "trout"}, tag=first.headers["etag"]).json()
    assert told["applied"][0]["notes"] == ["“no fish” holds and wins over “more trout”."]
    assert "larder-trout" not in shown(larder, "ed-9")


def test_a_profile_as_it_was_knows_no_later_edit(larder: httpx2.Client) -> None:
    tag = known(larder, "ed-10")
    before = larder.get("/users/ed-10/profile").json()["updated_at"]
    edit(larder, "ed-10", {"action": "never", "facet": "fish"}, tag=tag)
    then = larder.get("/users/ed-10/profile", params={"at": before}).json()
    assert then["edits"] == []
    after = larder.get("/users/ed-10/profile").json()["updated_at"]
    assert [one["in_words"] for one in larder.get("/users/ed-10/profile", params={"at": after}).json()["edits"]] == [
        "no fish"
    ]


def test_the_history_tells_of_edits(larder: httpx2.Client) -> None:
    first = edit(larder, "ed-12", {"action": "more", "facet": "rye"}, tag=known(larder, "ed-12"))
    edit_id = first.json()["applied"][0]["edit"]["edit_id"]
    edit(larder, "ed-12", {"action": "revert", "edit_id": edit_id}, tag=first.headers["etag"])
    edit(larder, "ed-12", {"action": "never", "facet": "rye"}, tag="*")
    versions = larder.get("/users/ed-12/profile/history").json()["items"]
    told = [(one["edit"]["event"], one["edit"]["in_words"]) for one in versions if one["edit"]]
    assert told == [("made", "no rye"), ("reverted", "more rye"), ("made", "more rye")]
    assert [(one["label"], one["kind"]) for one in versions[0]["changes"]] == [("rye", "gone"), ("rye", "avoided")]
    assert [one["version"] for one in versions[:3]] == [4, 3, 2]


def test_without_consent_nothing_is_edited(larder: httpx2.Client, service: Service) -> None:
    from app.storage.users import patch_user

    known(larder, "ed-11")
    service.run(lambda ctx: patch_user(ctx.db, "ed-11", {}, consent=False))
    body = problem_of(edit(larder, "ed-11", {"action": "more", "facet": "rye"}, tag=tag_of(larder, "ed-11")), 409)
    assert body["code"] == "consent_off"


def test_a_statement_is_understood_tried_out_and_obeyed(larder: httpx2.Client) -> None:
    tag = known(larder, "ed-13")
    change = {"action": "statement", "text": "No  fish for two days, please."}
    tried = EditedOut.model_validate(edit(larder, "ed-13", change, query="?dry_run=true").json())
    told = EditedOut.model_validate(edit(larder, "ed-13", change, tag=tag).json())
    for (applied,) in (tried.applied, told.applied):
        assert applied.understood is not None
        assert [(rule.action, rule.target) for rule in applied.understood.rules] == [
            ("never", "category:larder > fish")
        ]
        assert applied.understood.unclear
        assert (applied.edit.action, applied.edit.target) == ("statement", None)
        assert applied.edit.text == "No fish for two days, please."
        assert applied.edit.in_words.startswith("no fish until ")
        assert applied.edit.expires_at is not None
    assert shown(larder, "ed-13") == {"larder-rye", "larder-roll"}


def test_a_statement_may_be_a_wish(larder: httpx2.Client, service: Service) -> None:
    while service.run(embed_texts):
        pass
    service.run(lambda _: service.app.state.follower.step())
    edit(larder, "ed-14", {"action": "statement", "text": "I would like something that swims in a pond"})
    answer = larder.get("/users/ed-14/recommendations?limit=2&category=Larder").json()
    assert answer["fallback_reason"] is None
    assert answer["items"][0]["source"] == "statement"
    assert answer["items"][0]["reason"]["text"].startswith("Because you asked for ")


def test_a_statement_against_an_earlier_edit_takes_its_place(larder: httpx2.Client) -> None:
    first = edit(larder, "ed-15", {"action": "more", "facet": "fish"})
    second = edit(larder, "ed-15", {"action": "statement", "text": "no fish"}, tag=first.headers["etag"]).json()
    assert second["applied"][0]["notes"] == ["Takes the place of “more fish”."]
    assert [one["superseded_by"] is None for one in second["profile"]["edits"]] == [True, False]

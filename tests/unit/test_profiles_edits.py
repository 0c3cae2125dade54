"""What holds of edits, how it is said, and what it does to a profile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.domain.catalogue import Catalogue
from app.domain.edit import Action, Edit, Rule
from app.domain.item import Item
from app.domain.profile import Interest, Summary
from app.profiles.edit_marks import marks_of
from app.profiles.edits import held, in_force, in_words, lies_in, superseded, told, touched
from app.profiles.named_facets import facets_named, facets_near
from tests.spaces import no_space
from tests.unit import retrieval_board as board

AT = datetime(2026, 11, 25, tzinfo=UTC)


def rule(action: Action, target: str) -> Rule:
    return Rule(action, "facet", f"category:{target}", target.rpartition(" > ")[2])


def edit(seq: int, *rules: Rule, text: str | None = None, wish: str = "", expires_at: datetime | None = None) -> Edit:
    return Edit(f"e{seq}", seq, rules, text, wish, None, AT, expires_at)


def interest(target: str, n: int = 3) -> Interest:
    return Interest(f"category:{target}", target.rpartition(" > ")[2], 0.5, "long", "steady", n, AT)


RULES = st.builds(rule, st.sampled_from(["more", "less", "never", "pin"]), st.sampled_from(["a", "b", "a > c"]))


@given(st.lists(st.lists(RULES, min_size=1, max_size=3), max_size=8))
def test_of_one_target_the_newest_rule_acts(made: list[list[Rule]]) -> None:
    edits = [edit(seq, *rules, text="words") for seq, rules in enumerate(made, 1)]
    acting = in_force(reversed(edits))
    assert len({one.rule.target for one in acting}) == len(acting)
    assert {one.rule.target for one in acting} == {one.target for rules in made for one in rules}
    for force in acting:
        assert not any(one.target == force.rule.target for later in made[force.edit.seq :] for one in later)
    idle = {one.edit_id for one in superseded(edits)}
    assert idle == {one.edit_id for one in edits} - {force.edit.edit_id for force in acting}
    assert idle == {one.edit_id for one in held(edits) if one.superseded_by}


def test_an_edit_holds_from_its_making_to_its_end() -> None:
    tick = timedelta(seconds=1)
    one = edit(1, rule("more", "a"), expires_at=AT + 2 * tick)
    assert [one.holds(AT + n * tick) for n in (-1, 0, 1, 2)] == [False, True, True, False]


def test_edits_in_words() -> None:
    assert in_words(edit(1, rule("never", "food > fish"))) == "no fish"
    assert in_words(edit(1, rule("pin", "food > fish"))) == "fish first"
    assert in_words(edit(1, Rule("more", "item", "i1", "Dune"), expires_at=AT)) == "more “Dune” until 25 November 2026"
    spoken = edit(1, rule("less", "horror"), rule("never", "fish"), text="...", wish="something cosy")
    assert in_words(spoken) == "less horror, no fish and what reads like “something cosy”"


def test_a_statement_that_is_superseded_in_part_still_holds() -> None:
    spoken = edit(1, rule("less", "horror"), rule("never", "fish"), text="less horror, no fish")
    newer = edit(2, rule("more", "horror"))
    assert [one.superseded_by for one in held([spoken, newer])] == [None, None]
    assert [one.superseded_by for one in held([spoken, newer, edit(3, rule("more", "fish"))])] == [None, None, "e3"]
    with_wish = edit(1, rule("less", "horror"), text="...", wish="something cosy")
    assert [one.superseded_by for one in held([with_wish, newer])] == [None, None]


def test_what_is_turned_away_leaves_the_interests_with_all_below_it() -> None:
    interests = [interest("food > fish > herring"), interest("food > fish"), interest("food > fishing")]
    sought, shunned = touched(interests, [], [edit(1, rule("never", "food > fish"))])
    assert [one.label for one in sought] == ["fishing"]
    assert [(one.facet, one.edited, one.n_evidence, one.weight) for one in shunned] == [
        ("category:food > fish", True, 0, 0.0)
    ]


def test_what_is_asked_for_is_an_interest_and_no_longer_avoided() -> None:
    sought, shunned = touched([interest("bread")], [interest("fish")], [edit(1, rule("more", "fish"))])
    assert [(one.label, one.edited) for one in sought] == [("fish", True), ("bread", False)]
    assert shunned == ()
    sought, _ = touched([interest("bread")], [], [edit(1, rule("less", "bread"))])
    assert [(one.label, one.edited, one.n_evidence) for one in sought] == [("bread", True, 3)]


def test_more_of_something_within_what_is_turned_away_is_shown_where_it_came_later() -> None:
    never, more = rule("never", "food"), rule("more", "food > fish")
    assert touched([], [], [edit(1, more), edit(2, never)])[0] == ()
    assert [one.label for one in touched([], [], [edit(1, never), edit(2, more)])[0]] == ["fish"]


def test_a_facet_lies_in_itself_and_in_the_steps_above() -> None:
    assert lies_in("category:a > b", "category:a")
    assert lies_in("category:a", "category:a")
    assert not lies_in("category:ab", "category:a")
    assert not lies_in("category:a", "category:a > b")
    assert not lies_in("brand:a > b", "brand:a")


def test_facets_are_found_by_what_people_call_them() -> None:
    items = Catalogue(
        [
            Item("a", categories=("Grocery > Frozen pizza",), attributes={"brand": "Private"}),
            Item("b", categories=("Grocery > Rolls", "Bakery > Rolls"), attributes={"kind": "bakery"}),
            Item("gone", categories=("Attic",)),
        ]
    )
    items.remove("gone")

    def named(word: str) -> list[str]:
        return facets_named(word, items, no_space())

    pizza = ["category:grocery > frozen pizza"]
    assert named("category:grocery > frozen pizza") == pizza
    assert named("category: Grocery>Frozen  Pizza") == pizza
    assert named("Frozen pizza") == pizza
    assert named("grocery > frozen pizza") == pizza
    assert named("brand:private") == named("Brand private") == named("private") == ["brand:private"]
    assert named("rolls") == ["category:grocery > rolls", "category:bakery > rolls"]
    assert named("bakery") == ["category:bakery"]
    assert named("attic") == []
    assert named("pizza") == []
    assert facets_near("frozen pizzas", items, no_space()) == pizza
    assert facets_near("zzz", items, no_space()) == []


def test_interest_clusters_are_found_by_their_labels() -> None:
    assert facets_named("cluster:odd", board.catalogue(), board.space()) == ["cluster:odd"]
    assert facets_named("odd", board.catalogue(), board.space()) == ["cluster:odd"]
    assert facets_near("clustre:odd", board.catalogue(), board.space())[0] == "cluster:odd"


def test_the_history_marks_when_edits_began_and_ceased_to_hold() -> None:
    day = timedelta(days=1)
    for_a_day = edit(1, rule("more", "a"), expires_at=AT + day)
    withdrawn = replace(edit(2, rule("less", "b"), expires_at=AT + 9 * day), reverted_at=AT + 2 * day, reverted_seq=4)
    over_before = replace(edit(3, rule("never", "c"), expires_at=AT + day), reverted_at=AT + 2 * day, reverted_seq=5)
    marks = marks_of([for_a_day, withdrawn, over_before], (AT + 5 * day).timestamp())
    told = [(mark.edit.edit_id, mark.edit.event, mark.at - AT.timestamp(), mark.seq) for mark in marks]
    assert told == [
        ("e1", "made", 0, 1),
        ("e1", "expired", 86_400, 1),
        ("e2", "made", 0, 2),
        ("e2", "reverted", 2 * 86_400, 4),
        ("e3", "made", 0, 3),
        ("e3", "expired", 86_400, 3),
    ]
    assert [mark.edit.event for mark in marks_of([for_a_day], AT.timestamp())] == ["made"]


def test_a_summary_says_what_was_asked_for_and_rests_it_on_the_edits() -> None:
    plain = Summary("New here.", "template")
    edits = [edit(1, rule("more", "a")), edit(2, text="something cosy", wish="cosy")]
    summary = told(plain, edits)
    assert summary.text == "New here. Asked for more a and what reads like “cosy”."
    assert [(one.facet, one.name, one.evidence[0].behavior_id) for one in summary.claims] == [
        ("category:a", "a", "e1"),
        (None, "cosy", "e2"),
    ]
    assert told(plain, []) == plain
    many = told(plain, [edit(seq, rule("more", f"kind {seq}")) for seq in range(1, 9)])
    assert many.text.endswith("more kind 4 and 3 other things.")
    assert len(many.claims) == 8

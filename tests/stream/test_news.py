"""What is said of a world: what is needed first, what has changed as a correction, nothing twice."""

from agemem_gym.baselines.explorers.statements import understood
from agemem_gym.stream.news import Line, news, remembered

FACTS = ("The mug is in box 1.", "The pan is in box 2.", "The cup is in box 3.")


def test_a_first_visit_tells_what_tasks_need_first():
    assert news(FACTS, (), needed=(FACTS[2],), most=2) == [Line(FACTS[2]), Line(FACTS[0])]


def test_a_world_that_is_known_and_has_not_changed_has_no_news():
    assert news(FACTS, FACTS, needed=FACTS, most=9) == []


def test_what_has_changed_is_told_with_what_does_not_hold_any_more():
    now = ("The mug is in box 1.", "The pan is in box 7.", "The cup is in box 3.")
    (line,) = news(now, FACTS, needed=(), most=9)
    assert line.text == "The pan is in box 7. It is no longer true that: The pan is in box 2."


def test_what_has_changed_but_was_never_told_is_told_as_new():
    now = ("The mug is in box 1.", "The pan is in box 7.")
    assert news(now, FACTS[:1], needed=(), most=9) == [Line("The pan is in box 7.")]


def test_what_only_ceased_to_hold_is_withdrawn():
    (line,) = news(FACTS[:2], FACTS, needed=(), most=9)
    assert line.text == "It is no longer true that: The cup is in box 3."


def test_a_correction_names_the_fact_of_the_same_thing_whatever_else_is_new():
    before = ("Ann Lee was born in Ulm.", "Ann Lee is a smith.", "The mill of Ulm stands near Port Vell.")
    now = (
        "The mill of Ulm stands near Bonn.",
        "Ann Lee is a poet.",
        "Ann Lee was born in Kiel.",
        "Bo Ray was born in Ulm.",
    )
    told = {line.before: line.now for line in news(now, before, needed=(), most=9) if line.before}
    assert told == {before[0]: now[2], before[1]: now[1], before[2]: now[0]}


def test_a_correction_finds_its_fact_whatever_order_they_stand_in():
    before = ("Ann Lee was born in Ulm.", "Ann Lee is a smith.", "There is a banana on the table in the workshop.")
    now = ("Ann Lee is a poet.", "There is a banana in the green cupboard outside.")
    told = {line.before: line.now for line in news(now, before, needed=(), most=9)}
    assert told == {before[0]: "", before[1]: now[0], before[2]: now[1]}


def test_corrections_come_before_what_is_new_and_both_as_they_are_needed():
    now = ("The mug is in box 4.", "The pan is in box 5.", "The cup is in box 3.", "The jar is in box 6.")
    lines = news(now, FACTS[:2], needed=(now[1], now[3]), most=3)
    assert [line.now for line in lines] == [now[1], now[0], now[3]]


def test_what_there_was_no_room_for_is_told_next_time():
    first = news(FACTS, (), needed=(), most=2)
    told = remembered((), first)
    assert news(FACTS, told, needed=(), most=2) == [Line(FACTS[2])]


def test_what_was_corrected_is_remembered_as_corrected():
    said = [Line("The pan is in box 7.", FACTS[1]), Line("", FACTS[2])]
    assert remembered(FACTS, said) == (FACTS[0], "The pan is in box 7.")


def test_the_agents_that_mend_their_memory_understand_a_correction():
    line = Line("The pan is in box 7.", "The pan is in box 2.")
    said = understood(line.text)
    assert (said.states, said.takes_back) == (line.now, line.before)
    assert understood(Line("", "The pan is in box 2.").text).takes_back == "The pan is in box 2."

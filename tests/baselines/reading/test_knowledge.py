"""What has been read: the newest word holds, what is taken back gives way, and hops follow each other."""

from agemem_gym.baselines.reading.knowledge import Knowledge, conclusion, lookups
from agemem_gym.baselines.reading.wording import understood

MAYOR = ("town", "mayor")


def knowing(*texts):
    knowledge = Knowledge()
    for text in texts:
        assert knowledge.take(text), text
    return knowledge


def test_the_newest_word_holds_and_what_is_taken_back_gives_way_to_the_one_before():
    knowledge = knowing("The mayor of Lorford is Ada Karr.", "The mayor of Lorford is Bela Moss.")
    assert knowledge.value("Lorford", MAYOR) == "Bela Moss"
    knowledge.take("I was wrong about this, do not rely on it: The mayor of Lorford is Bela Moss.")
    assert knowledge.value("Lorford", MAYOR) == "Ada Karr"
    knowledge.take("It is no longer true that: The mayor of Lorford is Ada Karr.")
    assert knowledge.value("Lorford", MAYOR) is None


def test_what_is_said_again_is_the_newest_word():
    knowledge = knowing(*(f"The mayor of Lorford is {name}." for name in ("Ada Karr", "Bela Moss", "Ada Karr")))
    assert knowledge.value("lorford", MAYOR) == "Ada Karr"


def test_small_talk_is_no_knowledge():
    assert not Knowledge().take("My aunt has taken up bouldering and talks of nothing else.")


def test_a_second_hop_is_looked_up_once_the_first_is_known():
    (asked, *_) = understood("Where did the life of the mayor of Lorford begin?")
    first = lookups(asked, Knowledge())
    assert [wordings[0] for wordings in first] == ["The mayor of Lorford is"]
    knowledge = knowing("The mayor of Lorford is Ada Karr.")
    assert lookups(asked, knowledge)[0][0] == "Ada Karr was born in"
    assert conclusion(asked, knowledge) is None
    knowledge.take("Ada Karr: The family came from Port Vell.")
    assert lookups(asked, knowledge) == []
    assert conclusion(asked, knowledge) == "Port Vell"


def test_two_things_are_compared_by_their_values():
    dates = knowing("Ada Karr was born on 3 May 1901.", "Bela Moss was born on 1 June 1900.")
    (earlier, *_) = understood("Who was born earlier, Ada Karr or Bela Moss?")
    (younger, *_) = understood("Who is younger, Ada Karr or Bela Moss?")
    assert (conclusion(earlier, dates), conclusion(younger, dates)) == ("Bela Moss", "Ada Karr")
    towns = knowing(
        "Ada Karr was born in Lorford.", "Bela Moss grew up in Lorford, where the family had lived for generations."
    )
    (same, *_) = understood("Were Ada Karr and Bela Moss born in the same town?")
    assert conclusion(same, towns) == "yes"
    towns.take("Bela Moss: The family came from Port Vell.")
    assert conclusion(same, towns) == "no"

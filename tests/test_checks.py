"""The checks of what a user gives: what passes, and how the sentence reads that refuses the rest."""

from pathlib import Path

import numpy as np
import pytest

from agemem_gym.checks import (
    at_least,
    chosen_index,
    did_you_mean,
    file_at,
    flag,
    folder_at,
    one_of,
    only_options,
    positive,
    some_of,
)
from agemem_gym.errors import ConfigurationError

SPLITS = ("train", "validation", "test")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("tran", "train"),
        ("Validation", "validation"),
        ("validate", "validation"),
        ("tset", "test"),
        (" test ", "test"),
        ("valid", "validation"),
        ("xyz", None),
        ("", None),
        (3, None),
        (None, None),
    ],
)
def test_did_you_mean_names_the_nearest_or_says_nothing(name, meant):
    assert did_you_mean(name, SPLITS) == ("" if meant is None else f"; did you mean {meant!r}?")


def test_a_part_that_is_in_several_names_is_not_guessed():
    assert did_you_mean("door", ("OpenRedDoorFirst", "OpenBlueDoorSecond")) == ""
    assert did_you_mean("reddoor", ("OpenRedDoorFirstOfAllThatAre", "OpenBlue")).endswith("FirstOfAllThatAre'?")


def test_one_of_gives_the_value_back_or_says_what_was_expected():
    assert one_of("split", "test", SPLITS) == "test"
    with pytest.raises(ConfigurationError) as error:
        one_of("split", "tran", SPLITS)
    assert str(error.value) == "split='tran': expected one of 'train', 'validation', 'test'; did you mean 'train'?"
    with pytest.raises(ConfigurationError, match=r"split='dev': expected 'test'$"):
        one_of("split", "dev", ("test",))


@pytest.mark.parametrize("given", [["train"], None, 1, True, {"train": 1}])
def test_one_of_refuses_other_types_without_an_error_of_its_own(given):
    with pytest.raises(ConfigurationError, match="expected one of"):
        one_of("split", given, SPLITS)


def test_true_is_not_one():
    with pytest.raises(ConfigurationError):
        one_of("n", True, (1, 2))


def test_a_long_list_is_cut():
    with pytest.raises(ConfigurationError, match=r"'n39' and 60 more"):
        one_of("level", "?", [f"n{i}" for i in range(100)])


def test_some_of_takes_one_or_several_or_all():
    assert some_of("split", None, SPLITS) == SPLITS
    assert some_of("split", "test", SPLITS) == ("test",)
    assert some_of("split", ["test", "train", "test"], SPLITS) == ("test", "train", "test")
    for given in ([], 3, ["test", "trial"], [["test"]]):
        with pytest.raises(ConfigurationError, match="expected one of 'train'"):
            some_of("split", given, SPLITS)


def test_numbers():
    assert at_least("n", np.int64(3)) == 3
    assert type(at_least("n", np.int64(3))) is int
    assert at_least("n", 0, 0) == 0
    assert positive("seconds", 2) == 2.0
    assert positive("seconds", np.float32(0.5)) == 0.5
    for given in (0, -1, 1.5, "3", True, None, float("nan")):
        with pytest.raises(ConfigurationError, match=r"n=.*: expected a whole number of at least 1"):
            at_least("n", given)
    for given in (0, -1, "3", True, None, float("nan"), float("inf"), [1]):
        with pytest.raises(ConfigurationError, match="expected a number above 0"):
            positive("seconds", given)


def test_flags():
    assert flag("trust", True) is True
    for given in (1, "yes", None):
        with pytest.raises(ConfigurationError, match="True or False"):
            flag("trust", given)


def test_a_file_that_is_not_there_is_named_with_its_neighbour(tmp_path: Path):
    there = tmp_path / "validation-100.jsonl"
    there.write_text("x", encoding="utf-8")
    assert file_at("data", there) == there
    with pytest.raises(
        ConfigurationError, match=r"no such file; expected rows; did you mean '.*validation-100\.jsonl'"
    ):
        file_at("data", tmp_path / "validaton-100.jsonl", "rows")
    with pytest.raises(ConfigurationError, match="there is no folder"):
        file_at("data", tmp_path / "nowhere" / "x.jsonl")
    with pytest.raises(ConfigurationError, match="it is no file"):
        file_at("data", tmp_path)
    with pytest.raises(ConfigurationError, match="it is no folder"):
        folder_at("data", there)
    assert folder_at("data", str(tmp_path)) == tmp_path
    for given in (None, "", 3, "a\0b"):
        with pytest.raises(ConfigurationError, match="data="):
            file_at("data", given)  # type: ignore[arg-type]


def test_only_known_options_pass():
    assert only_options({}, task="PDDL") == {}
    assert only_options({"task_index": 3}, task="PDDL") == {"task_index": 3}
    with pytest.raises(ConfigurationError) as error:
        only_options({"task_idx": 3}, task="PDDL")
    assert str(error.value) == (
        "options['task_idx']: PDDL takes the reset options task_index; did you mean 'task_index'?"
    )


def test_the_former_name_of_the_task_index_works_with_a_warning():
    with pytest.warns(DeprecationWarning, match="task_index"):
        assert only_options({"index": 3}, task="PDDL") == {"task_index": 3}
    with pytest.raises(ConfigurationError, match="former name"), pytest.warns(DeprecationWarning, match="task"):
        only_options({"task_index": 2, "index": 3}, task="PDDL")


def test_the_chosen_index_lies_in_the_split():
    assert chosen_index({}, 5) is None
    assert chosen_index({"task_index": np.int64(4)}, 5) == 4
    assert chosen_index({"task_index": 10**6}, None) == 10**6
    for given, size, expected in ((5, 5, "0 to 4"), (-1, None, "0 or more"), (True, 5, "0 to 4"), ("1", 5, "0 to 4")):
        with pytest.raises(ConfigurationError, match=expected):
            chosen_index({"task_index": given}, size)

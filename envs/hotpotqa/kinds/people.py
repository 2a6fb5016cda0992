"""People: what is told of them, and asked."""

from agemem_gym.envs.hotpotqa.kinds.schema import Kind
from agemem_gym.envs.hotpotqa.kinds.schema import Relation as R

PEOPLE: tuple[Kind, ...] = (
    Kind(
        "person",
        42,
        (
            "{t} (born {born}) is a retired {profession}.",
            "{t} (born {born}) was {profession} by training and wrote widely on the subject.",
            "{t}, born on {born}, is best known as the {profession} of that name.",
        ),
        (
            R(
                "born",
                "date",
                ("{s} was born on {o}.",),
                ("On what date was {s} born?", "What is the birthday of {s}?"),
                earlier="Who was born earlier, {a} or {b}?",
                larger="Who is younger, {a} or {b}?",
            ),
            R(
                "profession",
                "profession",
                ("{s} worked as {o}.",),
                ("What was the profession of {s}?", "What did {s} do for a living?"),
                same="Did {a} and {b} have the same profession?",
            ),
            R(
                "birthplace",
                "town",
                (
                    "{s} was born in {o}.",
                    "{s} grew up in {o}, where the family had lived for generations.",
                    "The family came from {o}.",
                ),
                ("In which town was {s} born?", "Where did the life of {s} begin?"),
                ("the town where {s} was born", "the birthplace of {s}"),
                same="Were {a} and {b} born in the same town?",
            ),
            R(
                "school",
                "university",
                (
                    "{s} studied at {o}.",
                    "{s} took a degree at {o} and stayed there for some years.",
                    "{o} awarded {s} a doctorate.",
                ),
                ("At which university did {s} study?", "Which institution gave {s} a degree?"),
                ("the university where {s} studied", "the alma mater of {s}"),
                same="Did {a} and {b} study at the same university?",
            ),
            R(
                "teacher",
                "person",
                (
                    "{s} was a pupil of {o}.",
                    "{o} was the teacher whom {s} named most often.",
                    "{s} learned the craft from {o}.",
                ),
                ("Who was the teacher of {s}?", "From whom did {s} learn the craft?"),
                ("the teacher of {s}", "the one from whom {s} learned"),
            ),
            R(
                "honour",
                "award",
                (
                    "{s} received the {o}.",
                    "{s} was given the {o} late in life.",
                    "The {o} went to {s} by a unanimous vote.",
                ),
                ("Which award did {s} receive?", "With which honour was {s} distinguished?"),
                ("the award that {s} received", "the honour given to {s}"),
                same="Did {a} and {b} receive the same award?",
            ),
            R(
                "column",
                "newspaper",
                (
                    "{s} wrote a weekly column for {o}.",
                    "For many years {s} contributed to {o}.",
                    "{o} printed most of the essays by {s}.",
                ),
                ("For which newspaper did {s} write?", "Which paper printed the essays of {s}?"),
                ("the newspaper for which {s} wrote", "the paper that printed essays by {s}"),
            ),
        ),
        (
            "{s} is remembered as a generous host.",
            "{s} rarely gave interviews.",
            "Several letters by {s} have survived.",
        ),
    ),
)

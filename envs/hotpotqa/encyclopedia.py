"""What there is in a fictional world, as data: kinds of entities, and the relations between them with their wording.

A :class:`Relation` leads from an entity to another entity or to a value. Its templates name the subject ``{s}`` and the object
``{o}``; a :class:`Kind` opens its paragraphs with one of its introductions, which name relations directly.
"""

from __future__ import annotations

from dataclasses import dataclass

VALUES: dict[str, tuple[str, ...]] = {
    "profession": tuple(
        "actor,architect,astronomer,botanist,cellist,chemist,choreographer,conductor,economist,engineer,essayist,explorer,"
        "geologist,historian,illustrator,inventor,journalist,lawyer,linguist,mathematician,painter,philosopher,"
        "photographer,physician,physicist,pianist,playwright,poet,sculptor,surgeon,violinist,zoologist".split(",")
    ),
    "genre": tuple(
        "comedy,courtroom drama,crime,disaster,documentary,espionage,family drama,fantasy,ghost story,heist,historical,horror,"
        "mystery,musical,political satire,road movie,romance,science fiction,silent,thriller,war,western".split(",")
    ),
    "music": tuple(
        "acid jazz,baroque pop,bluegrass,blues rock,chamber pop,country,dream pop,electronic,folk rock,funk,garage rock,"
        "glam rock,gothic rock,indie pop,krautrock,new wave,post-punk,progressive rock,reggae,ska,soul,surf rock".split(
            ","
        )
    ),
    "industry": tuple(
        "aircraft,beverage,bicycle,book publishing,brewing,broadcasting,cement,chemicals,clockmaking,film production,furniture,"
        "glass,insurance,optics,paper,pharmaceuticals,porcelain,radio,railway,recording,shipbuilding,steel,textiles,toys".split(
            ","
        )
    ),
    "field": tuple(
        "architecture,astronomy,botany,chemistry,children's literature,choral music,cinematography,dance,economics,engineering,"
        "geography,history,journalism,landscape painting,mathematics,medicine,peace work,philosophy,photography,poetry,"
        "sculpture,stage design,translation,zoology".split(",")
    ),
    "colour": tuple(
        f"{one} and {other}"
        for one in ("red", "blue", "green", "black", "maroon", "orange", "purple")
        for other in ("white", "yellow", "silver", "grey", "gold")
    ),
    "collection": tuple(
        "armour,astronomical instruments,carpets,carriages,ceramics,coins,costumes,fossils,glassware,icons,insects,jewellery,"
        "lace,locomotives,maps,masks,minerals,musical instruments,playing cards,posters,stamps,tapestries,toys".split(
            ","
        )
    ),
}
"""Lists that a relation's object may come from; long, so that the most frequent one is a poor guess."""

MONTHS = "January February March April May June July August September October November December".split()


@dataclass(frozen=True)
class Relation:
    """A relation with its wording.

    Attributes:
        name: unique within its kind.
        target: a kind, a list of :data:`VALUES`, ``"year"``, ``"date"`` or ``"number"``.
        sentences: ways to state it.
        ask: ways to ask for the object: a plain one, in the article's words, then a reworded one.
        phrase: noun phrases for the object, plain and reworded; empty where the object is a value.
        earlier: for years and numbers: question for the one with the smaller value of ``{a}`` and ``{b}``.
        larger: likewise for the larger value.
        same: question whether ``{a}`` and ``{b}`` have the same object.
        low, high: range of a number.
        after: for a year: the relation to a person who has to be grown up by then.
    """

    name: str
    target: str
    sentences: tuple[str, ...]
    ask: tuple[str, str]
    phrase: tuple[str, ...] = ()
    earlier: str = ""
    larger: str = ""
    same: str = ""
    low: int = 0
    high: int = 0
    after: str = ""


@dataclass(frozen=True)
class Kind:
    """A kind of entity.

    Attributes:
        name: e.g. ``"film"``.
        count: how many a world has.
        introductions: first sentences; ``{t}`` is the title, other slots are relations of this kind.
        relations: in the order in which a world draws them.
        fillers: sentences that state nothing one could ask for.
    """

    name: str
    count: int
    introductions: tuple[str, ...]
    relations: tuple[Relation, ...]
    fillers: tuple[str, ...]


R = Relation
KINDS: tuple[Kind, ...] = (
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
    Kind(
        "film",
        13,
        (
            "{t} is a {year} film directed by {director}.",
            "{t} is a {genre} film of {year}.",
            "Released in {year}, {t} is a {genre} film.",
        ),
        (
            R(
                "director",
                "person",
                ("{s} was directed by {o}.", "{o} directed it in eleven weeks."),
                ("Who directed {s}?", "Who was in charge of the making of {s}?"),
                ("the director of {s}", "the filmmaker behind {s}"),
                same="Were {a} and {b} directed by the same person?",
            ),
            R(
                "year",
                "year",
                ("{s} was released in {o}.", "{s} reached cinemas in {o}."),
                ("In what year was {s} released?", "When could audiences first see {s}?"),
                earlier="Which film was released first, {a} or {b}?",
                larger="Which film is more recent, {a} or {b}?",
                after="director",
            ),
            R(
                "genre",
                "genre",
                ("{s} belongs to the {o} genre.",),
                ("To what genre does {s} belong?", "What sort of film is {s}?"),
                same="Do {a} and {b} belong to the same genre?",
            ),
            R(
                "star",
                "person",
                (
                    "{s} stars {o} in the leading role.",
                    "{o} plays the lead.",
                    "The leading part was given to {o} after long auditions.",
                ),
                ("Who plays the lead in {s}?", "Whose was the main part in {s}?"),
                ("the star of {s}", "the performer who had the main part in {s}"),
            ),
            R(
                "source",
                "novel",
                (
                    "{s} is based on the novel {o}.",
                    "The screenplay was adapted from {o}.",
                    "{s} follows the plot of {o} closely.",
                ),
                ("On which novel is {s} based?", "Which book was adapted as {s}?"),
                ("the novel on which {s} is based", "the book adapted as {s}"),
            ),
            R(
                "studio",
                "company",
                ("{s} was produced by {o}.", "{o} paid for the production."),
                ("Which company produced {s}?", "Who paid for the making of {s}?"),
                ("the company that produced {s}", "the studio behind {s}"),
            ),
            R(
                "music",
                "person",
                ("The score was composed by {o}.", "{o} wrote the music for {s}."),
                ("Who composed the score of {s}?", "Who wrote the music heard in {s}?"),
                ("the composer of the score of {s}", "the musician who scored {s}"),
            ),
            R(
                "minutes",
                "number",
                ("{s} runs for {o} minutes.",),
                ("How many minutes does {s} run?", "How long is {s}, in minutes?"),
                larger="Which film is longer, {a} or {b}?",
                low=71,
                high=224,
            ),
        ),
        ("Critics were divided.", "A restored print was shown in later years.", "{s} was shot mostly at night."),
    ),
    Kind(
        "novel",
        12,
        (
            "{t} is a novel by {author}.",
            "{t} is a {year} novel by {author}.",
            "{t} is a novel first published in {year}.",
        ),
        (
            R(
                "author",
                "person",
                ("{s} was written by {o}.", "Its author, {o}, worked on it for six years."),
                ("Who wrote {s}?", "Whose work is the novel {s}?"),
                ("the author of {s}", "the writer of {s}"),
                same="Were {a} and {b} written by the same author?",
            ),
            R(
                "year",
                "year",
                ("{s} was published in {o}.", "The first edition appeared in {o}."),
                ("In what year was {s} published?", "When did {s} first appear in print?"),
                earlier="Which novel was published first, {a} or {b}?",
                after="author",
            ),
            R(
                "setting",
                "town",
                (
                    "{s} is set in {o}.",
                    "The story takes place in {o}.",
                    "Most of its chapters play in the streets of {o}.",
                ),
                ("In which town is {s} set?", "Where does the story of {s} take place?"),
                ("the town in which {s} is set", "the scene of the story of {s}"),
            ),
            R(
                "publisher",
                "company",
                (
                    "{s} was published by {o}.",
                    "{o} printed the first edition.",
                    "After three refusals {o} accepted the manuscript.",
                ),
                ("Which company published {s}?", "Who brought {s} to the bookshops?"),
                ("the publisher of {s}", "the firm that accepted the manuscript of {s}"),
            ),
            R(
                "dedicatee",
                "person",
                ("{s} is dedicated to {o}.", "The dedication names {o}."),
                ("To whom is {s} dedicated?", "Who is named in the dedication of {s}?"),
                ("the dedicatee of {s}", "the person named in the dedication of {s}"),
            ),
            R(
                "pages",
                "number",
                ("The first edition has {o} pages.", "{s} is {o} pages long."),
                ("How many pages does {s} have?", "What is the length of {s} in pages?"),
                larger="Which novel has more pages, {a} or {b}?",
                low=120,
                high=1180,
            ),
        ),
        ("{s} has never been out of print.", "Its last chapter was added in proof.", "Teachers like to assign it."),
    ),
    Kind(
        "band",
        10,
        (
            "{t} are a {music} band.",
            "{t} are a {music} band from {origin}.",
            "{t} are a musical group formed in {year}.",
        ),
        (
            R(
                "founder",
                "person",
                ("{s} were founded by {o}.", "{o} brought the members together.", "It was {o} who started the group."),
                ("Who founded {s}?", "Who brought the members of {s} together?"),
                ("the founder of {s}", "the person who started {s}"),
            ),
            R(
                "year",
                "year",
                ("{s} were formed in {o}.", "The first rehearsal was held in {o}."),
                ("In what year were {s} formed?", "When did {s} come together?"),
                earlier="Which band was formed first, {a} or {b}?",
                after="founder",
            ),
            R(
                "origin",
                "town",
                ("{s} come from {o}.", "Their home is {o}.", "They first played in the back rooms of {o}."),
                ("Which town do {s} come from?", "Where is the home of {s}?"),
                ("the home town of {s}", "the place where {s} first played"),
                same="Do {a} and {b} come from the same town?",
            ),
            R(
                "music",
                "music",
                ("{s} play {o}.",),
                ("What style of music do {s} play?", "How would one call the sound of {s}?"),
                same="Do {a} and {b} play the same style of music?",
            ),
            R(
                "label",
                "company",
                ("{s} are signed to {o}.", "Their records are brought out by {o}."),
                ("To which company are {s} signed?", "Who brings out the records of {s}?"),
                ("the label of {s}", "the company that brings out the records of {s}"),
            ),
            R(
                "singer",
                "person",
                ("{o} is the lead singer.", "The voice on all recordings is that of {o}."),
                ("Who is the lead singer of {s}?", "Whose voice is heard with {s}?"),
                ("the lead singer of {s}", "the voice of {s}"),
            ),
        ),
        ("They tour every other year.", "{s} design their own posters.", "Their concerts begin late."),
    ),
    Kind(
        "album",
        10,
        ("{t} is an album by {artist}.", "{t} is a {year} album by {artist}.", "{t} is an album released in {year}."),
        (
            R(
                "artist",
                "band",
                ("{s} was recorded by {o}.", "{o} made it in a single week."),
                ("Which band recorded {s}?", "Who made the album {s}?"),
                ("the band that recorded {s}", "the group behind {s}"),
                same="Were {a} and {b} recorded by the same band?",
            ),
            R(
                "year",
                "year",
                ("{s} was released in {o}.", "{s} came out in {o}."),
                ("In what year was {s} released?", "When did {s} come out?"),
                earlier="Which album was released first, {a} or {b}?",
            ),
            R(
                "producer",
                "person",
                ("{s} was produced by {o}.", "{o} sat at the mixing desk."),
                ("Who produced {s}?", "Who sat at the mixing desk for {s}?"),
                ("the producer of {s}", "the one who mixed {s}"),
            ),
            R(
                "place",
                "town",
                ("{s} was recorded in {o}.", "The sessions took place in {o}."),
                ("In which town was {s} recorded?", "Where did the sessions for {s} take place?"),
                ("the town where {s} was recorded", "the place of the sessions for {s}"),
            ),
            R(
                "cover",
                "person",
                ("The cover was drawn by {o}.", "{o} designed the sleeve."),
                ("Who drew the cover of {s}?", "Who designed the sleeve of {s}?"),
                ("the artist who drew the cover of {s}", "the designer of the sleeve of {s}"),
            ),
        ),
        (
            "{s} sold slowly at first.",
            "A demo tape of {s} circulates among collectors.",
            "Two tracks are instrumental.",
        ),
    ),
    Kind(
        "series",
        8,
        ("{t} is a television series created by {creator}.", "{t} is a {genre} television series."),
        (
            R(
                "creator",
                "person",
                ("{s} was created by {o}.", "The idea came from {o}."),
                ("Who created {s}?", "Who had the idea for the series {s}?"),
                ("the creator of {s}", "the one who had the idea for {s}"),
            ),
            R(
                "year",
                "year",
                ("{s} was first broadcast in {o}.",),
                ("In what year was {s} first broadcast?", "When did {s} come to the screen?"),
                earlier="Which series was broadcast first, {a} or {b}?",
                after="creator",
            ),
            R(
                "genre",
                "genre",
                ("{s} is counted among the {o} series.",),
                ("What is the genre of {s}?", "What sort of series is {s}?"),
            ),
            R(
                "network",
                "company",
                ("{s} was broadcast by {o}.", "{o} ordered and showed it."),
                ("Which company broadcast {s}?", "Who ordered and showed {s}?"),
                ("the broadcaster of {s}", "the company that ordered {s}"),
            ),
            R(
                "scene",
                "town",
                ("{s} is set in {o}.", "It tells of four families in {o}."),
                ("In which town is {s} set?", "Where do the families of {s} live?"),
                ("the town in which {s} is set", "the home of the families of {s}"),
            ),
            R(
                "episodes",
                "number",
                ("{s} has {o} episodes.", "It ran for {o} episodes."),
                ("How many episodes does {s} have?", "For how many episodes did {s} run?"),
                larger="Which series has more episodes, {a} or {b}?",
                low=6,
                high=420,
            ),
        ),
        ("Its opening tune became popular.", "{s} was dubbed into nine languages."),
    ),
    Kind(
        "company",
        14,
        (
            "{t} is a {industry} company.",
            "{t} is a {industry} company based in {seat}.",
            "{t} is a company founded in {year} by {founder}.",
        ),
        (
            R(
                "founder",
                "person",
                ("{s} was founded by {o}.", "It was {o} who set up the business."),
                ("Who founded {s}?", "Who set up the business of {s}?"),
                ("the founder of {s}", "the person who set up {s}"),
            ),
            R(
                "year",
                "year",
                ("{s} was founded in {o}.", "Business began in {o}."),
                ("In what year was {s} founded?", "When did {s} begin its business?"),
                earlier="Which company was founded first, {a} or {b}?",
                after="founder",
            ),
            R(
                "seat",
                "town",
                ("{s} has its headquarters in {o}.", "The head office is in {o}."),
                ("In which town does {s} have its headquarters?", "Where is the head office of {s}?"),
                ("the town where {s} has its headquarters", "the seat of {s}"),
                same="Do {a} and {b} have their headquarters in the same town?",
            ),
            R(
                "industry",
                "industry",
                ("{s} works in the {o} industry.",),
                ("In what industry does {s} work?", "What is the line of business of {s}?"),
                same="Do {a} and {b} work in the same industry?",
            ),
            R(
                "head",
                "person",
                ("{s} is led by {o}.", "{o} has been its chief executive since the last merger."),
                ("Who leads {s}?", "Who is the chief executive of {s}?"),
                ("the head of {s}", "the chief executive of {s}"),
            ),
            R(
                "staff",
                "number",
                ("{s} employs {o} people.", "It has {o} employees."),
                ("How many people does {s} employ?", "What is the number of employees of {s}?"),
                larger="Which company employs more people, {a} or {b}?",
                low=40,
                high=64000,
            ),
        ),
        ("It changed its logo twice.", "{s} publishes its accounts in spring.", "Its archive is open to scholars."),
    ),
    Kind(
        "town",
        18,
        (
            "{t} is a town in {region}.",
            "{t} is a town on the {river}.",
            "{t} is a town of {population} inhabitants.",
        ),
        (
            R(
                "region",
                "region",
                ("{s} lies in {o}.", "It belongs to {o}."),
                ("In which region is {s}?", "To which region does {s} belong?"),
                ("the region in which {s} lies", "the region to which {s} belongs"),
                same="Are {a} and {b} in the same region?",
            ),
            R(
                "river",
                "river",
                ("{s} stands on the {o}.", "The {o} flows through its old quarter."),
                ("On which river does {s} stand?", "What river flows through {s}?"),
                ("the river on which {s} stands", "the river flowing through {s}"),
                same="Do {a} and {b} stand on the same river?",
            ),
            R(
                "population",
                "number",
                ("{s} has {o} inhabitants.", "The last census counted {o} people."),
                ("How many inhabitants does {s} have?", "How many people did the census count in {s}?"),
                larger="Which town has more inhabitants, {a} or {b}?",
                low=900,
                high=890000,
            ),
            R(
                "mayor",
                "person",
                ("The mayor of {s} is {o}.", "{o} was elected mayor twice."),
                ("Who is the mayor of {s}?", "Who was elected to govern {s}?"),
                ("the mayor of {s}", "the person elected to govern {s}"),
            ),
            R(
                "charter",
                "year",
                ("{s} received its charter in {o}.", "Town rights were granted in {o}."),
                ("In what year did {s} receive its charter?", "When were town rights granted to {s}?"),
                earlier="Which town received its charter first, {a} or {b}?",
            ),
        ),
        (
            "A market is held there on Thursdays.",
            "{s} has two railway stations.",
            "Its bridge was rebuilt after a flood.",
        ),
    ),
    Kind(
        "region",
        8,
        ("{t} is a region whose capital is {capital}.", "{t} is a region of {area} square kilometres."),
        (
            R(
                "capital",
                "town",
                ("The capital of {s} is {o}.", "It is governed from {o}."),
                ("What is the capital of {s}?", "From which town is {s} governed?"),
                ("the capital of {s}", "the town from which {s} is governed"),
            ),
            R(
                "governor",
                "person",
                ("The governor of {s} is {o}.", "{o} was appointed governor."),
                ("Who is the governor of {s}?", "Who was appointed to rule {s}?"),
                ("the governor of {s}", "the person appointed to rule {s}"),
            ),
            R(
                "area",
                "number",
                ("{s} covers {o} square kilometres.",),
                ("How many square kilometres does {s} cover?", "How large is {s}, in square kilometres?"),
                larger="Which region is larger, {a} or {b}?",
                low=800,
                high=98000,
            ),
            R(
                "peak",
                "mountain",
                ("Its highest point is {o}.", "{o} towers over the whole of it."),
                ("What is the highest point of {s}?", "Which mountain towers over {s}?"),
                ("the highest point of {s}", "the mountain that towers over {s}"),
            ),
        ),
        ("Its dialect is spoken by few.", "{s} is known for its cheese."),
    ),
    Kind(
        "river",
        9,
        ("{t} is a river {length} kilometres long.", "{t} is a river that rises on {spring}."),
        (
            R(
                "spring",
                "mountain",
                ("{s} rises on {o}.", "Its source lies on the slopes of {o}."),
                ("On which mountain does {s} rise?", "Where is the source of {s}?"),
                ("the mountain on which {s} rises", "the mountain where {s} has its source"),
            ),
            R(
                "length",
                "number",
                ("{s} is {o} kilometres long.", "It flows for {o} kilometres."),
                ("How many kilometres long is {s}?", "Over how many kilometres does {s} flow?"),
                larger="Which river is longer, {a} or {b}?",
                low=24,
                high=2400,
            ),
            R(
                "mouth",
                "town",
                ("{s} reaches the sea at {o}.", "Its mouth is at {o}."),
                ("At which town does {s} reach the sea?", "Where is the mouth of {s}?"),
                ("the town where {s} reaches the sea", "the town at the mouth of {s}"),
            ),
            R(
                "surveyor",
                "person",
                ("{s} was first mapped by {o}.", "{o} surveyed it from a raft."),
                ("Who first mapped {s}?", "Who surveyed {s} from a raft?"),
                ("the first person to map {s}", "the surveyor of {s}"),
            ),
        ),
        ("It freezes in hard winters.", "{s} is rich in trout."),
    ),
    Kind(
        "mountain",
        9,
        ("{t} is a mountain {height} metres high.", "{t} is a mountain in {region}."),
        (
            R(
                "region",
                "region",
                ("{s} stands in {o}.", "It belongs to {o}."),
                ("In which region is {s}?", "To which region does {s} belong?"),
                ("the region of {s}", "the region in which {s} stands"),
                same="Are {a} and {b} in the same region?",
            ),
            R(
                "height",
                "number",
                ("{s} is {o} metres high.", "Its summit is at {o} metres."),
                ("How many metres high is {s}?", "At what height, in metres, is the summit of {s}?"),
                larger="Which mountain is higher, {a} or {b}?",
                low=900,
                high=7900,
            ),
            R(
                "climber",
                "person",
                ("{s} was first climbed by {o}.", "{o} led the first ascent."),
                ("Who first climbed {s}?", "Who led the first ascent of {s}?"),
                ("the first person to climb {s}", "the leader of the first ascent of {s}"),
            ),
            R(
                "ascent",
                "year",
                ("{s} was first climbed in {o}.", "The first ascent was made in {o}."),
                ("In what year was {s} first climbed?", "When was the summit of {s} first reached?"),
                earlier="Which mountain was climbed first, {a} or {b}?",
                after="climber",
            ),
        ),
        ("Fog hides it for half of the year.", "{s} has two glaciers."),
    ),
    Kind(
        "university",
        9,
        ("{t} is a university in {town}.", "{t} is a university founded in {year}."),
        (
            R(
                "town",
                "town",
                ("{s} is in {o}.", "Its campus lies at the edge of {o}."),
                ("In which town is {s}?", "Where is the campus of {s}?"),
                ("the town of {s}", "the town at whose edge the campus of {s} lies"),
                same="Are {a} and {b} in the same town?",
            ),
            R(
                "founder",
                "person",
                ("{s} was founded by {o}.", "{o} left a fortune for its foundation."),
                ("Who founded {s}?", "Who left a fortune for {s}?"),
                ("the founder of {s}", "the benefactor of {s}"),
            ),
            R(
                "year",
                "year",
                ("{s} was founded in {o}.", "Teaching began in {o}."),
                ("In what year was {s} founded?", "When did teaching begin at {s}?"),
                earlier="Which university was founded first, {a} or {b}?",
                after="founder",
            ),
            R(
                "rector",
                "person",
                ("The rector of {s} is {o}.", "{o} heads it as rector."),
                ("Who is the rector of {s}?", "Who heads {s}?"),
                ("the rector of {s}", "the head of {s}"),
            ),
            R(
                "students",
                "number",
                ("{s} has {o} students.", "There are {o} students."),
                ("How many students does {s} have?", "What is the number of students of {s}?"),
                larger="Which university has more students, {a} or {b}?",
                low=600,
                high=58000,
            ),
        ),
        ("Its library is open at night.", "{s} has a famous botanical garden."),
    ),
    Kind(
        "award",
        9,
        ("{t} is an award for {field}.", "{t} is an award given by {giver}."),
        (
            R(
                "field",
                "field",
                ("{s} is given for {o}.",),
                ("For what is {s} given?", "Work in which field does {s} reward?"),
                same="Are {a} and {b} given for the same field?",
            ),
            R(
                "giver",
                "company",
                ("{s} is presented by {o}.", "{o} pays the prize money."),
                ("Which company presents {s}?", "Who pays the prize money of {s}?"),
                ("the company that presents {s}", "the company that pays for {s}"),
            ),
            R(
                "year",
                "year",
                ("{s} was first awarded in {o}.", "The first ceremony was held in {o}."),
                ("In what year was {s} first awarded?", "When was the first ceremony of {s} held?"),
                earlier="Which award was given first, {a} or {b}?",
            ),
            R(
                "medal",
                "person",
                ("Its medal was designed by {o}.", "The medal is the work of {o}."),
                ("Who designed the medal of {s}?", "Whose work is the medal of {s}?"),
                ("the designer of the medal of {s}", "the artist of the medal of {s}"),
            ),
            R(
                "venue",
                "museum",
                ("The ceremony takes place in the {o}.", "It is handed over in the {o}."),
                ("In which museum does the ceremony of {s} take place?", "Where is {s} handed over?"),
                ("the museum where {s} is handed over", "the place of the ceremony of {s}"),
            ),
        ),
        ("Winners receive a small statue.", "The jury meets in autumn."),
    ),
    Kind(
        "battle",
        8,
        ("{t} was fought in {year}.", "{t} was fought near {place}.", "{t} was an armed conflict of {year}."),
        (
            R(
                "place",
                "town",
                ("{s} was fought near {o}.", "The armies met outside {o}."),
                ("Near which town was {s} fought?", "Outside which town did the armies of {s} meet?"),
                ("the town near which {s} was fought", "the town outside which the armies of {s} met"),
            ),
            R(
                "commander",
                "person",
                ("The victors were led by {o}.", "{o} commanded the winning side."),
                ("Who commanded the winning side of {s}?", "Who led the victors in {s}?"),
                ("the victorious commander of {s}", "the leader of the victors in {s}"),
            ),
            R(
                "year",
                "year",
                ("{s} took place in {o}.", "It came to a head in {o}."),
                ("In what year was {s} fought?", "When did {s} take place?"),
                earlier="Which took place first, {a} or {b}?",
                after="commander",
            ),
            R(
                "dead",
                "number",
                ("{o} people lost their lives.", "The dead numbered {o}."),
                ("How many people lost their lives in {s}?", "What was the number of dead of {s}?"),
                larger="Which cost more lives, {a} or {b}?",
                low=120,
                high=41000,
            ),
            R(
                "crossing",
                "river",
                ("The decisive crossing was that of the {o}.", "Both sides had camped along the {o}."),
                ("Which river was crossed in {s}?", "Along which river had the sides of {s} camped?"),
                ("the river crossed in {s}", "the river along which the sides of {s} had camped"),
            ),
        ),
        ("A chapel marks the place.", "Its outcome is still debated."),
    ),
    Kind(
        "club",
        8,
        ("{t} is a football club from {town}.", "{t} is a football club founded in {year}."),
        (
            R(
                "town",
                "town",
                ("{s} plays in {o}.", "Its home is {o}."),
                ("In which town does {s} play?", "Where is the home of {s}?"),
                ("the town where {s} plays", "the home of {s}"),
                same="Do {a} and {b} play in the same town?",
            ),
            R(
                "year",
                "year",
                ("{s} was founded in {o}.", "The club was registered in {o}."),
                ("In what year was {s} founded?", "When was {s} registered?"),
                earlier="Which club was founded first, {a} or {b}?",
            ),
            R(
                "coach",
                "person",
                ("{s} is coached by {o}.", "{o} trains the first team."),
                ("Who coaches {s}?", "Who trains the first team of {s}?"),
                ("the coach of {s}", "the trainer of {s}"),
            ),
            R(
                "sponsor",
                "company",
                ("The shirts carry the name of {o}.", "Its sponsor is {o}."),
                ("Which company sponsors {s}?", "Whose name do the shirts of {s} carry?"),
                ("the sponsor of {s}", "the company named on the shirts of {s}"),
            ),
            R(
                "colours",
                "colour",
                ("{s} plays in {o}.", "The team's colours are {o}."),
                ("What are the colours of {s}?", "In which colours does {s} take the field?"),
                same="Do {a} and {b} play in the same colours?",
            ),
            R(
                "seats",
                "number",
                ("Its stadium holds {o} people.", "There is room for {o} spectators."),
                ("How many people does the stadium of {s} hold?", "For how many spectators does {s} have room?"),
                larger="Which club has the larger stadium, {a} or {b}?",
                low=1200,
                high=83000,
            ),
        ),
        ("Its supporters sing in dialect.", "{s} also has a chess section."),
    ),
    Kind(
        "museum",
        9,
        ("{t} is a museum in {town}.", "{t} is a museum of {collection}."),
        (
            R(
                "town",
                "town",
                ("{s} is in {o}.", "It stands on the main square of {o}."),
                ("In which town is {s}?", "On the main square of which town does {s} stand?"),
                ("the town of {s}", "the town on whose main square {s} stands"),
            ),
            R(
                "architect",
                "person",
                ("{s} was designed by {o}.", "The building is the work of {o}."),
                ("Who designed {s}?", "Whose work is the building of {s}?"),
                ("the designer of {s}", "the one who planned the building of {s}"),
            ),
            R(
                "year",
                "year",
                ("{s} opened in {o}.", "The doors were opened in {o}."),
                ("In what year did {s} open?", "When were the doors of {s} opened?"),
                earlier="Which museum opened first, {a} or {b}?",
                after="architect",
            ),
            R(
                "collection",
                "collection",
                ("{s} shows {o}.", "Its halls are filled with {o}."),
                ("What does {s} show?", "With what are the halls of {s} filled?"),
                same="Do {a} and {b} show the same kind of things?",
            ),
            R(
                "donor",
                "person",
                ("The collection was a gift of {o}.", "{o} left it the collection."),
                ("Who gave {s} its collection?", "Whose gift are the things shown in {s}?"),
                ("the donor of {s}", "the one who left {s} its collection"),
            ),
        ),
        ("Admission is free on Mondays.", "{s} has a much loved café."),
    ),
    Kind(
        "newspaper",
        8,
        ("{t} is a newspaper printed in {town}.", "{t} is a daily newspaper founded in {year}."),
        (
            R(
                "town",
                "town",
                ("{s} is printed in {o}.", "Its newsroom is in {o}."),
                ("In which town is {s} printed?", "Where is the newsroom of {s}?"),
                ("the town where {s} is printed", "the home of the newsroom of {s}"),
            ),
            R(
                "editor",
                "person",
                ("The editor of {s} is {o}.", "{o} edits it."),
                ("Who edits {s}?", "Who is in charge of the newsroom of {s}?"),
                ("the editor of {s}", "the one in charge of the newsroom of {s}"),
            ),
            R(
                "year",
                "year",
                ("{s} was founded in {o}.", "The first issue is of {o}."),
                ("In what year was {s} founded?", "Of what year is the first issue of {s}?"),
                earlier="Which newspaper was founded first, {a} or {b}?",
            ),
            R(
                "owner",
                "company",
                ("{s} is owned by {o}.", "{o} bought it after a strike."),
                ("Which company owns {s}?", "Who bought {s}?"),
                ("the owner of {s}", "the company that bought {s}"),
                same="Are {a} and {b} owned by the same company?",
            ),
            R(
                "copies",
                "number",
                ("{s} sells {o} copies.", "Its circulation is {o}."),
                ("How many copies does {s} sell?", "What is the circulation of {s}?"),
                larger="Which newspaper sells more copies, {a} or {b}?",
                low=2100,
                high=740000,
            ),
        ),
        ("Its crossword is feared.", "{s} appears on six days a week."),
    ),
    Kind(
        "ship",
        8,
        ("{t} is a ship built by {builder}.", "{t} is a ship launched in {year}."),
        (
            R(
                "builder",
                "company",
                ("{s} was built by {o}.", "{o} won the contract to build her."),
                ("Which company built {s}?", "Who won the contract to build {s}?"),
                ("the builder of {s}", "the company that won the contract to build {s}"),
                same="Were {a} and {b} built by the same company?",
            ),
            R(
                "captain",
                "person",
                ("Her first captain was {o}.", "{o} commanded her on the first voyage."),
                ("Who was the first captain of {s}?", "Who commanded the first voyage of {s}?"),
                ("the first captain of {s}", "the commander of the first voyage of {s}"),
            ),
            R(
                "year",
                "year",
                ("{s} was launched in {o}.", "The launch took place in {o}."),
                ("In what year was {s} launched?", "When did {s} first touch the water?"),
                earlier="Which ship was launched first, {a} or {b}?",
                after="captain",
            ),
            R(
                "port",
                "town",
                ("Her home port is {o}.", "She is registered in {o}."),
                ("What is the home port of {s}?", "Where is {s} registered?"),
                ("the home port of {s}", "the town where {s} is registered"),
            ),
            R(
                "length",
                "number",
                ("{s} is {o} metres long.", "She measures {o} metres."),
                ("How many metres long is {s}?", "What does {s} measure in metres?"),
                larger="Which ship is longer, {a} or {b}?",
                low=38,
                high=320,
            ),
        ),
        ("Her bell is kept on land.", "{s} was refitted twice."),
    ),
)
"""Eighteen kinds of entities, with 97 relations."""

KIND: dict[str, Kind] = {kind.name: kind for kind in KINDS}

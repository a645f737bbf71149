"""The lists of the roster that leave the house: what a field is called and how it is typed comes from `models/fields.py`, rows from here."""

from services.roster.queries.exports.columns import words
from services.roster.queries.exports.differences import DIFFERENCE_LISTS
from services.roster.queries.exports.finds import FIND_LISTS
from services.roster.queries.exports.jobs import JOB_LISTS
from services.roster.queries.exports.limits import LIMIT_LISTS
from services.roster.queries.exports.persons import PERSON_LISTS
from services.roster.queries.exports.provincial import PROVINCIAL_LISTS
from services.roster.queries.exports.reforms import REFORM_LISTS
from services.roster.queries.exports.reveals import REVEAL_LISTS
from services.roster.queries.exports.units import UNIT_LISTS
from shared.exports.letters import letters_list
from shared.exports.lists import exports_of
from shared.exports.trail import trail_list

EXPORTS = exports_of(
    *UNIT_LISTS,
    *PERSON_LISTS,
    *PROVINCIAL_LISTS,
    *DIFFERENCE_LISTS,
    *JOB_LISTS,
    *REFORM_LISTS,
    *REVEAL_LISTS,
    *FIND_LISTS,
    *LIMIT_LISTS,
    letters_list("roster"),
    trail_list("roster", units="units"),
    words=words,
    units="units",
)

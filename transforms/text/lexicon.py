"""Words that mention a person, and what they say of gender and age: our own lists, one lexicon per language.

A mention is what a text says, never who somebody is. A word whose commonest meaning in captions is a thing (`model`, `pitcher`) is in no
list, however often it also means a person; `AMBIGUOUS` names those left out on purpose. A phrase in which a listed word means no person
(`king size`, `farmers market`) is in `NO_MENTION` and hides the word. `girl` and `boy` count as children: that is what they mean most of
the time, and what they are wrong about in the rest is the limit of any word list.
"""

import dataclasses
import enum
import re
from collections.abc import Iterable


class Says(enum.IntFlag):
    """What one mention says; the bits of a caption are those of all its mentions together."""

    PERSON = 1
    FEMININE = 2
    MASCULINE = 4
    CHILD = 8
    YOUNG = 16
    ADULT = 32
    OLDER = 64
    ANIMAL = 128  # an animal is named: a pronoun beside it, and no person, is the animal's
    HER = 256  # a pronoun or adjective that needs somebody to belong to
    HIS = 512


AGES = Says.CHILD | Says.YOUNG | Says.ADULT | Says.OLDER

# fmt: off
_COMPOUNDS = """business police sports sales spokes chair congress council camera fire fisher work crafts post horse country news
 service anchor gentle noble states clergy frontiers stunt assembly ombuds door milk handy"""

_FEMININE_ADULT = """woman women womens lady ladies gal gals madam mrs wife wives mother mothers mom moms mum mums mommy mommies mama mamas
 stepmother stepmothers housewife housewives cowgirl cowgirls matriarch matron mother-in-law godmother godmothers
 landlady landladies"""
_FEMININE = """sister sisters sista sistas daughter daughters granddaughter granddaughters stepdaughter stepdaughters aunt aunts auntie
 aunties niece nieces girlfriend girlfriends fiancee fiancees fiancée fiancées actress actresses queen queens princess
 princesses duchess duchesses countess empress heroine heroines nun nuns hostess hostesses waitress waitresses stewardess
 stewardesses ballerina ballerinas bride brides bridesmaid bridesmaids widow widows diva divas heiress sorceress
 priestess seamstress headmistress lesbian lesbians maid maids mother-daughter"""
_FEMININE_CHILD = "girl girls girly schoolgirl schoolgirls"
_FEMININE_OLDER = """grandmother grandmothers grandma grandmas granny grannies great-grandmother"""
_MASCULINE_ADULT = """man men mens gentleman gentlemen guy guys dude dudes bloke blokes chap chaps fella fellas sir mr husband husbands
 father fathers dad dads daddy daddies papa papas stepfather stepfathers househusband patriarch father-in-law godfather
 godfathers cowboy cowboys landlord landlords"""
_MASCULINE = """brother brothers bro bros son sons grandson grandsons stepson stepsons uncle uncles nephew nephews boyfriend boyfriends
 fiance fiances fiancé fiancés king kings prince princes duke dukes baron barons emperor emperors monk monks waiter
 waiters groom grooms bridegroom bridegrooms groomsman groomsmen widower widowers lad lads bachelor bachelors bellboy
 busboy father-son"""
_MASCULINE_CHILD = "boy boys schoolboy schoolboys choirboy choirboys"
_MASCULINE_OLDER = "grandfather grandfathers grandpa grandpas granddad grandad great-grandfather"
_CHILD = """child children childrens kid kids toddler toddlers baby babies infant infants newborn newborns schoolchild
 schoolchildren preschooler preschoolers schoolkids youngster youngsters grandchild grandchildren kindergartner
 kindergartners"""
_YOUNG = "teen teens teenager teenagers adolescent adolescents youth youths preteen preteens tween tweens"
_ADULT = "adult adults grown-up grown-ups parent parents spouse spouses"
_OLDER = "elderly pensioner pensioners retiree retirees grandparent grandparents octogenarian nonagenarian centenarian elders"
_PERSON = """person people persons individuals human humans someone somebody couple couples crowd crowds audience audiences spectator
 spectators onlooker onlookers bystander bystanders family families friend friends sibling siblings twins player players
 athlete athletes skateboarder skateboarders surfer surfers skier skiers snowboarder snowboarders cyclist cyclists biker
 bikers bicyclist bicyclists motorcyclist motorcyclists rider riders hiker hikers climber climbers swimmer swimmers
 runners skater skaters rollerblader racer racers golfer golfers goalie goalies goalkeeper goalkeepers footballer
 footballers cricketer cricketers wrestler wrestlers gymnast gymnasts cheerleader cheerleaders jogger joggers kayaker
 kayakers rower rowers referee referees jockey jockeys acrobat acrobats tourist tourists traveler travelers traveller
 travellers visitor visitors guests customer customers shopper shoppers pedestrian pedestrians passenger passengers
 commuter commuters neighbor neighbors neighbour neighbours resident residents citizen citizens owner owners scientist
 scientists engineer engineers lawyer lawyers doctor doctors nurse nurses dentist dentists surgeon surgeons physician
 physicians teacher teachers professor professors student students pupil pupils worker workers employee employees
 colleague colleagues coworkers farmer farmers chef chefs soldier soldiers marines officer officers firefighter
 firefighters paramedic paramedics photographer photographers artist artists painter painters sculptor sculptors singer
 singers musician musicians dancer dancers actor actors performer performers comedian comedians magician magicians
 guitarist guitarists pianist pianists drummer drummers violinist violinists rapper rappers composer composers author
 authors writer writers poet poets novelist novelists journalist journalists reporter reporters politician politicians
 president presidents mayor mayors senator senators candidate candidates celebrity celebrities manager managers bartender
 bartenders barista baristas astronaut astronauts sailor sailors fishers vendor vendors tailor tailors barber barbers
 hairdresser hairdressers mechanic mechanics electrician electricians plumber plumbers carpenters architect architects
 accountant accountants librarian librarians cashier cashiers receptionist receptionists divers veteran veterans refugee
 refugees immigrant immigrants protester protesters protestor protestors demonstrators worshippers pilgrims participants
 contestant contestants competitors teammate teammates opponent opponents bodybuilder bodybuilders policewoman clown
 clowns priest priests bishop bishops imam rabbi pope newlyweds lovers volunteers patients caregiver caregivers
 babysitter boss bosses leader leaders activist activists"""
_STOPS = "a an the and or with in on of at by near to for from is are as while who"
_HER = "she her hers herself female females feminine"
_HIS = "he him his himself male males masculine"
_ANIMAL = """dog dogs puppy puppies cat cats kitten kittens horse horses pony ponies foal mare stallion cow cows calf bull bulls goat
 goats sheep lamb lambs pig pigs piglet duck ducks duckling goose geese swan swans chicken chickens hen hens rooster bird
 birds owl eagle parrot elephant elephants lion lions lioness tiger tigers leopard cheetah bear bears panda monkey
 monkeys gorilla chimpanzee giraffe zebra deer elk moose fox wolf wolves rabbit rabbits bunny squirrel fish shark whale
 dolphin turtle frog snake lizard spider insect butterfly bee penguin seal camel camels donkey llama alpaca retriever
 poodle terrier collie bulldog greyhound shepherd doberman beagle husky rottweiler chihuahua dachshund labrador pug
 animal animals pet pets hamster mouse peacock cub cubs"""

NO_MENTION = """man made|man cave|isle of man|gingerbread man|iron man|ant man|spider man|burning man|pac man|no man's land|army men
 |king size|king sized|king bed|king crab|king salmon|king cobra|king penguin|burger king|lion king|stephen king
 |king james|king cake|king charles spaniel|queen size|queen sized|queen bed|queen anne|queen bee|queen ant|dairy queen
 |prince edward island|fresh prince|princess cruises|princess cut|lady bug|mother of pearl|mother nature|mother board
 |mother earth|mother ship|mother tongue|mother's day|father's day|mothers day|fathers day|valentine's day|baby blue
 |baby pink|baby carrots|baby spinach|baby corn|baby back ribs|baby grand|baby bird|baby birds|baby elephant
 |baby elephants|baby goat|baby goats|baby animal|baby animals|baby duck|baby ducks|baby horse|baby monkey|baby bear
 |baby sheep|baby cow|baby deer|baby kangaroo|baby bottle|baby powder|baby oil|baby yoda|baby's breath|baby doll
 |baby dolls|sister city|sister ship|brother printer|brother sewing|father christmas|farmers market|farmer's market
 |farmer 's market|farmers' market|farmers insurance|cowboy boots|cowboy boot|cowboy hat|cowboy hats|boyfriend jeans
 |boy shorts|girl scout cookies|family room|family car|family tree|family home|family house|family guy|couple of
 |a couple more|cd player|dvd player|mp3 player|record player|media player|video player|audio player|music player
 |blu-ray player|player piano|nurse shark|clown fish|priest hole|doctor who|human rights|human resources|human body
 |human anatomy|human hair|human skeleton|human skull|kid rock|kid leather|kid gloves|kid friendly|child seat
 |child safety|child lock|children's book|children's books|adult swim|youth hostel|teen titans|maid of the mist|year old
 |years old|year olds|month old|months old|week old|weeks old|day old|days old|hours old|old master|old masters
 |crowd funding|crowd control|singer sewing|soldier beetle|soldier field|painter's tape|carpenter ant|barber shop
 |rider mower|chef boyardee|chef's knife|tailor made|owner manual|owner's manual|owners manual|toy soldier|toy soldiers
 |lovers leap|lover's leap"""

_PHRASES = {
    "FEMININE": "miss universe|miss world|miss america|big sister|older sister|little sister",
    "MASCULINE": "big brother|older brother|little brother",
    "MASCULINE ADULT": "best man",
    "PERSON": "police officer|police officers|old friend|old friends",
    "OLDER": "senior citizen|senior citizens|senior couple|senior people|senior adult|senior adults|old age|the aged",
    "MASCULINE OLDER": "senior man|senior men|senior gentleman",
    "FEMININE OLDER": "senior woman|senior women|senior lady",
    "ADULT": "middle aged|middle-aged",
    "YOUNG": "young adult|young adults",
}

_AMBIGUOUS = """model fan coach pilot driver cook guide host trainer boxer jumper skipper counter miss ms mummy page mason baker major
 general private minor junior patient master individual conductor ranger cleaner batter pitcher nana pa ma pop chick doll
 may turkey jordan chile santa mermaid angel lord god smith cooper hunter fisher gardner carpenter squire jack john mark
 bill grace hope rose runner seniors subject figure character star band team youthful partner partners judge shooter
 server user users"""
AMBIGUOUS = frozenset(_AMBIGUOUS.split())
# fmt: on


@dataclasses.dataclass(frozen=True)
class Lexicon:
    """What a language's words say of persons.

    Attributes:
      terms: word or phrase in the captions' normal form, to what it says; 0 for a phrase that hides the words in it.
      teen: adjectives that make a person, even a girl or boy, young.
      young: adjectives that make a person young, but not a child.
      older: adjectives that make a person older, but not a child.
      stops: words that end the reach of an adjective.
    """

    terms: dict[str, Says]
    teen: tuple[str, ...]
    young: tuple[str, ...]
    older: tuple[str, ...]
    stops: tuple[str, ...]

    def pattern(self) -> re.Pattern[str]:
        """One expression for all mentions: an adjective up to two words before the term is the group `age`, the term the group `term`."""
        adjectives = alternatives([*self.teen, *self.young, *self.older])
        gap = rf"(?:(?!{alternatives(self.stops)}\b)[\w'-]+,? ){{0,2}}?"
        return re.compile(rf"(?<![\w-])(?:(?P<age>{adjectives}),? {gap})?(?P<term>{alternatives(self.terms)})(?![\w-])")


def alternatives(words: Iterable[str]) -> str:
    """An expression that matches any of the words, the longest first, reading each letter once (a trie).

    >>> alternatives(["man", "men", "mane"])
    '(?:m(?:an(?:e)?|en))'
    """
    trie: dict[str, dict] = {}
    for word in words:
        node = trie
        for letter in word:
            node = node.setdefault(letter, {})
        node[""] = {}

    def write(node: dict[str, dict]) -> str:
        ends = "" in node
        branches = []
        for letter in sorted(key for key in node if key):
            text = re.escape(letter)
            inner = node[letter]
            while len(inner) == 1 and "" not in inner:
                letter, inner = next(iter(inner.items()))  # noqa: PLW2901
                text += re.escape(letter)
            branches.append(text + write(inner) if inner != {"": {}} else text)
        if not branches:
            return ""
        return f"(?:{'|'.join(branches)}){'?' if ends else ''}"

    return write(trie)


def _english() -> Lexicon:
    person, her, him = Says.PERSON, Says.PERSON | Says.FEMININE, Says.PERSON | Says.MASCULINE
    lists = {
        _FEMININE_ADULT: her | Says.ADULT, _FEMININE: her, _FEMININE_CHILD: her | Says.CHILD, _FEMININE_OLDER: her | Says.OLDER,
        _MASCULINE_ADULT: him | Says.ADULT, _MASCULINE: him, _MASCULINE_CHILD: him | Says.CHILD, _MASCULINE_OLDER: him | Says.OLDER,
        _CHILD: person | Says.CHILD, _YOUNG: person | Says.YOUNG, _ADULT: person | Says.ADULT, _OLDER: person | Says.OLDER,
        _PERSON: person, _HER: Says.HER, _HIS: Says.HIS, _ANIMAL: Says.ANIMAL,
    }  # fmt: skip
    terms = {word: says for words, says in lists.items() for word in words.split()}
    for stem in _COMPOUNDS.split():
        for ending, says in (("woman", Says.FEMININE), ("women", Says.FEMININE), ("man", Says.MASCULINE), ("men", Says.MASCULINE)):
            terms[stem + ending] = person | says | Says.ADULT
    for names, phrases in _PHRASES.items():
        says = person
        for name in names.split():
            says |= Says[name]
        terms.update(dict.fromkeys(phrases.split("|"), says))
    terms.update({" ".join(phrase.split()): Says(0) for phrase in NO_MENTION.replace("\n", "").split("|")})
    return Lexicon(
        terms=terms,
        teen=("teen", "teenage", "teenaged", "adolescent", "preteen"),
        young=("young", "younger"),
        older=("old", "older", "elderly", "aged", "ageing", "aging"),
        stops=tuple(_STOPS.split()),
    )


LEXICONS = {"en": _english()}

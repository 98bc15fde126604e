//! The words of the example book, written for it.

pub(super) const TITLE: &[&str] = &["THE", "PATIENT", "EYE"];
pub(super) const SUBTITLE: &[&str] = &["An essay on maps and pictures,", "and on looking closely"];
pub(super) const IMPRINT: &[&str] = &["SALTMARCH", "Set by a program, from numbers", "MMXXVI"];

/// A chapter: its number, its heading, its paragraphs.
pub(super) const CHAPTERS: &[(&str, &str, &[&str])] = &[
    (
        "I",
        "Of the distance that a map keeps",
        &[
            "Every map begins with a refusal. The surveyor stands on a hill with the whole valley before him, its smoke and weather, \
             its dogs, the wheat lying over in the wind, and he decides to leave nearly all of it out. He keeps the river, because \
             a river is a promise that will still be kept next year. He keeps the church and the bridge and the ford. What remains \
             upon the sheet is not the valley made small but an argument about what in the valley will last.",
            "We trust that argument because it is patient. A view from a window is true for one moment and one pair of eyes. A chart \
             of the same harbour has been walked, and rowed, and sounded with a lead on a wet line by people who did not like one \
             another, and who were made to agree. The thin blue edge of the coast is where their quarrels came to rest. When you \
             follow it with a finger you are touching the end of a conversation that took eleven summers.",
            "And yet a map wants to be looked at twice. From across the room it is a shape: an island like a sleeping hare, a delta \
             like a hand. Then you step nearer and the shape is gone, and there are soundings and the names of farms. Nearer still, \
             there is the grain of the paper, and a place where the engraver turned his tool too soon and mended the line. Each \
             distance has its own truth, and none of them is the last.",
        ],
    ),
    (
        "II",
        "Of the picture under the picture",
        &[
            "For most of history one saw the great sheets only from where the rope allowed. The atlas lay open at one page beneath \
             its glass, and the page was not the one you had come for. You might ask, and if your hands were clean and your letter \
             was in order, it was brought to you on a cushion of grey foam; and you bent over it with a lens that showed a bright \
             coin of detail, swimming, the size of a thumbnail. You moved the coin about. You tried to remember what you had seen in \
             it, so as to put together in the mind what the lens had taken apart.",
            "The lens has since grown a strange gift. We can cut a picture into small square pieces, at every distance from which \
             one might care to stand, and lay them in drawers, so that whoever looks is handed just those few that fill the window \
             in front of them. Nobody waits for the whole. The sheet may be as wide as a street; what crosses the wire is a dozen \
             tiles no larger than a letter. You lean in, the drawers open quietly one below another, and there is the mended line, \
             and under it the pencil that the ink was meant to follow and did not.",
            "It would be easy to call this convenience. I think that it is closer to courtesy. To show a thing whole and also near, \
             to anyone, at any hour, without asking what they want with it: that is how a good librarian behaves, the kind who \
             brings what you asked for and, beside it, without remark, the thing you ought to have asked for.",
            "A picture that can be pointed at can be talked about. If I may say to you, look here, this corner, these two hands' \
             breadth of sea, and you, on another continent, see the very waves I mean, then we are two people at one table. The \
             address of a detail is a small invention, no more remarkable than the numbers on houses. But think what letters were \
             before houses had numbers.",
        ],
    ),
    (
        "III",
        "Of looking as a kind of work",
        &[
            "There is an exercise that teachers of drawing set, and that their pupils detest. Choose a thing, a pear or a glove, and \
             look at it for one hour without making a mark. For ten minutes you see a pear. Then it becomes tedious; then, for a while, \
             ridiculous. Near the half hour something gives way, and you begin to notice that the shadow is not grey at all, that \
             the stalk was broken and has healed, that one side has turned to the light as a sleeper turns. By the end you could no \
             more draw that pear in a single careless line than you could sign another person's name.",
            "Looking closely does not use the eye up; it makes the eye. What we call a trained eye is only one that has been bored in \
             front of many good things, and has stayed. The register of a parish, page after page in the same tired hand, teaches \
             its reader to see the week when the clerk was ill and his daughter wrote instead. No index will give you the \
             daughter. She is in the slant of the letters, and she comes forward only for those who turn every leaf.",
            "So let the leaves be turned. Let what is kept be shown, and shown well: upright, in its true colours, as near as anyone \
             cares to come. Let no one be told that the picture is too large, or that the page they want is in another building. Of \
             all that could be said for patience, this may be enough, that it is a way of being generous with time, and that whatever has been \
             looked at for long enough begins, in its own small voice, to answer.",
        ],
    ),
];

pub(super) const PLATE_CAPTION: &str = "A rose of thirty-two winds, drawn with rule and compasses.";

pub(super) const COLOPHON: &[&str] = &[
    "This book was never on a press.",
    "A program chose the breaks of its lines,",
    "weighed the spaces between its words,",
    "and wrote down where each word came to stand,",
    "so that whoever seeks one shall find it.",
];

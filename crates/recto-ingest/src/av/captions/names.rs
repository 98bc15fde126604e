//! `interview.mp3` and `interview.en.vtt`: which captions belong to which recording, and their language.

/// What the name of a file of captions says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptionName {
    /// The language: BCP 47.
    pub language: Option<String>,
    /// They also tell what is heard besides speech (`sdh`, `cc`, `hi`).
    pub is_for_deaf: bool,
}

/// Languages of ISO 639-1: two letters after an underscore are only a language when they are one of these.
#[rustfmt::skip]
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo \
    es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko \
    kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt \
    qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa \
    wo xh yi yo za zh zu";

/// What captions of this name are to a recording of that name; `None` where they belong to another.
pub fn belongs_to(caption: &str, recording: &str) -> Option<CaptionName> {
    let (stem, extension) = caption.rsplit_once('.')?;
    if !extension.eq_ignore_ascii_case("vtt") && !extension.eq_ignore_ascii_case("srt") {
        return None;
    }
    let own = recording.rsplit_once('.').map_or(recording, |(stem, _)| stem);
    let rest = strip_prefix(stem, own).filter(|_| !own.is_empty())?;
    let mut name = CaptionName::default();
    let mut rest = rest;
    while let Some(separator) = rest.chars().next() {
        let after = rest.get(1..).filter(|_| matches!(separator, '.' | '_' | '-' | ' '))?;
        if separator == '.' {
            let part = after.split('.').next().unwrap_or_default();
            match (part.to_ascii_lowercase().as_str(), &name.language) {
                ("sdh" | "cc", _) | ("hi", Some(_)) => name.is_for_deaf = true,
                ("forced" | "default", _) => {}
                (_, None) => name.language = Some(language(part, false)?),
                _ => return None,
            }
            rest = &after[part.len()..];
        } else {
            let part = after.split('.').next().unwrap_or_default();
            if name.language.is_some() {
                return None;
            }
            name.language = Some(language(part, true)?);
            rest = &after[part.len()..];
        }
    }
    Some(name)
}

/// Without regard to case, as file systems differ in it.
fn strip_prefix<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let start = name.get(..prefix.len())?;
    (start == prefix || start.eq_ignore_ascii_case(prefix)).then(|| &name[prefix.len()..])
}

/// A language tag as BCP 47 likes it: `pt_br` is `pt-BR`.
fn language(tag: &str, only_known: bool) -> Option<String> {
    let mut parts = tag.split(['-', '_']);
    let first = parts.next()?.to_ascii_lowercase();
    let is_known = first.len() == 2 && LANGUAGES.split_ascii_whitespace().any(|known| known == first);
    let is_likely = matches!(first.len(), 2 | 3) && first.bytes().all(|byte| byte.is_ascii_lowercase());
    if !(is_known || is_likely && !only_known) {
        return None;
    }
    let mut out = first;
    for part in parts {
        let is_letters = part.bytes().all(|byte| byte.is_ascii_alphabetic());
        let part = match part.len() {
            2 if is_letters => part.to_ascii_uppercase(),
            3 if part.bytes().all(|byte| byte.is_ascii_digit()) => part.to_owned(),
            4 if is_letters => part[..1].to_ascii_uppercase() + &part[1..].to_ascii_lowercase(),
            _ => return None,
        };
        out.push('-');
        out.push_str(&part);
    }
    Some(out)
}

/// Gives each file of captions to the recording whose name is the longest that it begins with: index of the recording, index of
/// the captions, and what their name says, in the order of the captions.
pub fn pair(recordings: &[&str], captions: &[&str]) -> Vec<(usize, usize, CaptionName)> {
    let mut pairs = Vec::new();
    for (index, caption) in captions.iter().enumerate() {
        let fitting = recordings.iter().enumerate().filter_map(|(at, recording)| {
            let stem = recording.rsplit_once('.').map_or(*recording, |(stem, _)| stem);
            Some((stem.len(), at, belongs_to(caption, recording)?))
        });
        // Of two recordings of one name the first counts.
        if let Some((_, at, name)) = fitting.max_by_key(|(length, at, _)| (*length, std::cmp::Reverse(*at))) {
            pairs.push((at, index, name));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_recording_and_language() {
        for (caption, recording, told) in [
            ("interview.vtt", "interview.mp3", Some((None, false))),
            ("interview.en.vtt", "interview.mp3", Some((Some("en"), false))),
            ("interview.EN.SRT", "interview.mp3", Some((Some("en"), false))),
            ("interview.pt_br.vtt", "interview.mp3", Some((Some("pt-BR"), false))),
            ("interview.zh-hans.vtt", "Interview.mp3", Some((Some("zh-Hans"), false))),
            ("interview.deu.vtt", "interview.mp3", Some((Some("deu"), false))),
            ("interview.en.sdh.vtt", "interview.mp3", Some((Some("en"), true))),
            ("interview.hi.vtt", "interview.mp3", Some((Some("hi"), false))),
            ("interview.cc.vtt", "interview.mp3", Some((None, true))),
            ("interview_it.vtt", "interview.mp3", Some((Some("it"), false))),
            ("interview-de-AT.vtt", "interview.mp3", Some((Some("de-AT"), false))),
            ("interview_xq.vtt", "interview.mp3", None),
            ("interview2.vtt", "interview.mp3", None),
            ("interview.part2.vtt", "interview.mp3", None),
            ("interview.en.txt", "interview.mp3", None),
            ("other.vtt", "interview.mp3", None),
            ("été.fr.vtt", "été.mp4", Some((Some("fr"), false))),
            ("é.vtt", "e.mp4", None),
        ] {
            let found = belongs_to(caption, recording);
            let found = found.as_ref().map(|name| (name.language.as_deref(), name.is_for_deaf));
            assert_eq!(found, told, "{caption} {recording}");
        }
    }

    #[test]
    fn captions_go_to_the_longest_name() {
        let pairs = pair(&["a.mp3", "a.en.mp4", "a.mp4"], &["a.en.vtt", "a.vtt", "b.vtt", "a.en.de.srt"]);
        let pairs: Vec<_> = pairs.iter().map(|(at, index, name)| (*at, *index, name.language.as_deref())).collect();
        assert_eq!(pairs, [(1, 0, None), (0, 1, None), (1, 3, Some("de"))]);
    }
}

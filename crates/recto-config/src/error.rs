//! What is wrong with a configuration, and where to look.

use std::path::PathBuf;
use std::{fmt, io};

use crate::Origin;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read.
    #[error("the configuration file `{}` could not be read", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Some values are wrong: all that could be found out together.
    #[error("{}", Listing(problems))]
    Invalid {
        /// At least one.
        problems: Vec<Problem>,
    },
}

impl ConfigError {
    /// The single problems; none when the file could not be read at all.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Unreadable { .. } => &[],
            Self::Invalid { problems } => problems,
        }
    }
}

/// One wrong key or value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The dotted key, `cache.max_size`; empty for what concerns a whole layer.
    pub key: String,
    /// Which layer it stands in.
    pub origin: Origin,
    /// What is wrong: lower case, no final stop.
    pub message: String,
    /// A way out, as a phrase after the message.
    pub hint: Option<String>,
    /// The line of the file, when it stands in one.
    pub picture: Option<Picture>,
}

/// A line of a file with carets under the words in question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Number of the line, from 1.
    pub line: usize,
    /// Column of the first character in question, from 1, in characters.
    pub column: usize,
    /// How many characters are in question, at least 1.
    pub width: usize,
    /// The line itself.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, &self.picture) {
            (Origin::File { path, .. }, Some(picture)) => {
                write!(f, "{}:{}:{}: {}", path.display(), picture.line, picture.column, self.message)?;
            }
            (origin, _) => write!(f, "{origin}: {}", self.message)?,
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        if let Some(picture) = &self.picture {
            write!(f, "\n{picture}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // A tab stays one, so that the carets stand where the terminal puts the words.
        let lead: String =
            self.text.chars().take(self.column.saturating_sub(1)).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", self.text)?;
        write!(f, "{margin} | {lead}{}", "^".repeat(self.width))
    }
}

struct Listing<'p>(&'p [Problem]);

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

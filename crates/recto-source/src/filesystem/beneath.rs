//! Opening a path that cannot leave its folder.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use crate::Symlinks;

/// What the opened file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Only to ask what it is: nothing happens to a pipe or a device.
    Look,
    /// To read it; a pipe does not block.
    Read,
}

/// Something beneath a folder, opened.
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) file: OwnedFd,
}

impl Purpose {
    fn flags(self) -> OFlags {
        let common = OFlags::CLOEXEC | OFlags::NOCTTY;
        match self {
            #[cfg(target_os = "linux")]
            Self::Look => common | OFlags::PATH,
            #[cfg(not(target_os = "linux"))]
            Self::Look => common | OFlags::RDONLY | OFlags::NONBLOCK,
            Self::Read => common | OFlags::RDONLY | OFlags::NONBLOCK,
        }
    }
}

/// Opens `path`, which has no `..` and does not start with `/`, beneath `folder`.
///
/// `XDEV` tells of a link that leads out (or starts at the top), `LOOP` of one that is not followed at all.
pub(crate) fn reach(folder: &OwnedFd, path: &str, symlinks: Symlinks, purpose: Purpose) -> Result<Reached, Errno> {
    #[cfg(target_os = "linux")]
    match by_kernel(folder, path, symlinks, purpose) {
        // Kernels before 5.6 and some sandboxes do not have the call.
        Err(Errno::NOSYS | Errno::PERM | Errno::INVAL | Errno::TOOBIG) => {}
        reached => return reached,
    }
    by_steps(folder, path, symlinks, purpose)
}

/// Lets the kernel hold every step of the way beneath the folder, against links that change meanwhile, too.
#[cfg(target_os = "linux")]
fn by_kernel(folder: &OwnedFd, path: &str, symlinks: Symlinks, purpose: Purpose) -> Result<Reached, Errno> {
    use rustix::fs::{ResolveFlags, openat2};

    let resolve = ResolveFlags::NO_MAGICLINKS
        | match symlinks {
            Symlinks::Inside => ResolveFlags::BENEATH,
            Symlinks::Follow => ResolveFlags::empty(),
            Symlinks::Ignore => ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
        };
    // The kernel asks for another try when something was renamed under a `..` of a link.
    let mut tries = 0;
    loop {
        match openat2(folder, path, purpose.flags(), Mode::empty(), resolve) {
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if tries < 16 => tries += 1,
            result => return result.map(|file| Reached { file }),
        }
    }
}

/// Opens one segment after the other and follows no link; where links may be followed, the first one is reported as
/// `XDEV`, on which the caller finds its goal and comes back with a path without links.
fn by_steps(folder: &OwnedFd, path: &str, symlinks: Symlinks, purpose: Purpose) -> Result<Reached, Errno> {
    if symlinks == Symlinks::Follow {
        return openat(folder, path, purpose.flags(), Mode::empty()).map(|file| Reached { file });
    }
    let refused = if symlinks == Symlinks::Inside { Errno::XDEV } else { Errno::LOOP };
    let mut held: Option<OwnedFd> = None;
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let at: BorrowedFd<'_> = held.as_ref().map_or_else(|| folder.as_fd(), AsFd::as_fd);
        let is_last = segments.peek().is_none();
        let step = if is_last { purpose.flags() } else { Purpose::Look.flags() | OFlags::DIRECTORY };
        if is_link(at, segment)? {
            return Err(refused);
        }
        // The link that comes here between the question and this call is not followed either.
        let opened = openat(at, segment, step | OFlags::NOFOLLOW, Mode::empty())?;
        if is_itself_a_link(&opened)? {
            return Err(refused);
        }
        held = Some(opened);
    }
    held.map(|file| Reached { file }).ok_or(Errno::NOENT)
}

fn is_link(at: BorrowedFd<'_>, segment: &str) -> Result<bool, Errno> {
    use rustix::fs::{AtFlags, FileType, statat};
    let stat = statat(at, segment, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

/// With `O_PATH`, `O_NOFOLLOW` opens the link itself.
fn is_itself_a_link(opened: &OwnedFd) -> Result<bool, Errno> {
    use rustix::fs::{FileType, fstat};
    Ok(FileType::from_raw_mode(fstat(opened)?.st_mode) == FileType::Symlink)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use rustix::fs::{Mode, OFlags, open};

    use super::*;

    #[test]
    fn walking_by_steps_reaches_what_the_kernel_reaches_and_no_link() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("in/sub")).unwrap();
        fs::write(place.path().join("out.txt"), "out").unwrap();
        fs::write(place.path().join("in/sub/a.jpg"), "a").unwrap();
        symlink("sub/a.jpg", place.path().join("in/link.jpg")).unwrap();
        symlink("sub", place.path().join("in/linked")).unwrap();
        symlink("../out.txt", place.path().join("in/out.jpg")).unwrap();
        let folder = open(place.path().join("in"), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
        for purpose in [Purpose::Look, Purpose::Read] {
            for (path, inside, ignore) in [
                ("sub/a.jpg", Ok(()), Ok(())),
                ("sub", Ok(()), Ok(())),
                ("link.jpg", Err(Errno::XDEV), Err(Errno::LOOP)),
                ("linked/a.jpg", Err(Errno::XDEV), Err(Errno::LOOP)),
                ("out.jpg", Err(Errno::XDEV), Err(Errno::LOOP)),
                ("none.jpg", Err(Errno::NOENT), Err(Errno::NOENT)),
                ("sub/a.jpg/x", Err(Errno::NOTDIR), Err(Errno::NOTDIR)),
            ] {
                let got = by_steps(&folder, path, Symlinks::Inside, purpose).map(|_| ());
                assert_eq!(got, inside, "{path} {purpose:?}");
                let got = by_steps(&folder, path, Symlinks::Ignore, purpose).map(|_| ());
                assert_eq!(got, ignore, "{path} {purpose:?}");
            }
            assert!(by_steps(&folder, "out.jpg", Symlinks::Follow, purpose).is_ok());
        }
    }
}

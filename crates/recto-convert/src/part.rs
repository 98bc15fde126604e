//! A target under the name that it has while it is written.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use crate::ConvertError;

/// Gone when it is dropped before it was published; a left-over of a process that was killed is written over by the next.
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    published: bool,
}

impl Part {
    /// Begins a target, with its folder.
    pub(crate) fn create(target: &Path) -> Result<Self, ConvertError> {
        let folder = target.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(ConvertError::io(folder, "created"))?;
        let mut name = OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(".recto-part");
        let path = target.with_file_name(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(ConvertError::io(&path, "created"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(ConvertError::Busy { target: target.to_owned() }),
            Err(std::fs::TryLockError::Error(error)) => return Err(ConvertError::io(&path, "locked")(error)),
        }
        file.set_len(0).map_err(ConvertError::io(&path, "written"))?;
        Ok(Self { path, file, published: false })
    }

    /// The folder in which it lies.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
    }

    /// Gives it its name, on the disk when this returns.
    pub(crate) fn publish(mut self, target: &Path) -> Result<(), ConvertError> {
        std::fs::rename(&self.path, target).map_err(ConvertError::io(target, "written"))?;
        self.published = true;
        let folder = self.folder();
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(ConvertError::io(folder, "written"))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.published {
            // It would be written over anyway.
            let _removed = std::fs::remove_file(&self.path);
        }
    }
}

//! A disk that can be full.

use super::*;

/// A disk of 1 MiB, taken away in the end.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    pub(crate) fn at(path: PathBuf) -> Option<Self> {
        fs::create_dir_all(&path).unwrap();
        let args = ["-t", "tmpfs", "-o", "size=1m", "tmpfs"];
        let mounted = Command::new("mount").args(args).arg(&path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(path));
        }
        skipped("a full disk: only root may mount a small one");
        None
    }

    /// Leaves no block free.
    pub(crate) fn fill(&self) {
        use std::io::Write as _;
        let mut file = fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        while file.write_all(&[0; 1]).is_ok() {}
    }

    /// Whether not a byte goes on it.
    #[cfg(feature = "ssh")]
    pub(crate) fn is_full(&self) -> bool {
        let path = self.0.join("probe");
        let written = fs::write(&path, "x");
        fs::remove_file(path).expect("it was made, if empty");
        written.is_err()
    }

    /// Frees what was filled.
    pub(crate) fn empty(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", &["-l", &self.0.display().to_string()]);
    }
}

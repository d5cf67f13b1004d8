//! Volumes of Docker's own: a fresh one is root's, and jobs that are not root's could not write to it.

use super::daemon::Daemon;
use super::user::Owner;

/// The top folder of a volume that is to be somebody else's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) path: String,
    pub(super) mode: u32,
}

/// Which of the folders are not yet those of the user that a container starts as. A container that starts as root gives
/// them away itself. What cannot be looked at stays as it is: the job will say so.
pub(super) async fn foreign(
    daemon: &Daemon,
    container: &str,
    owner: Owner,
    folders: impl Iterator<Item = &str>,
) -> Vec<Folder> {
    let mut found = Vec::new();
    if owner.uid == 0 {
        return found;
    }
    for path in folders {
        let head = match daemon.head(container, path).await {
            Ok(head) => head,
            Err(error) => {
                tracing::debug!("could not look at the volume at `{path}`: {error}");
                continue;
            }
        };
        found.extend(judged(&head, path, owner));
    }
    found
}

/// Reads the first entry of an archive of a folder, which is that folder.
fn judged(head: &[u8], path: &str, owner: Owner) -> Option<Folder> {
    let mut archive = tar::Archive::new(head);
    let entry = archive.entries().ok()?.next()?.ok()?;
    let header = entry.header();
    let is_foreign = header.entry_type().is_dir() && header.uid().ok()? != owner.uid;
    is_foreign.then(|| Folder {
        path: path.trim_matches('/').to_owned(),
        mode: header.mode().unwrap_or(0o755) & 0o7777,
    })
}

//! How the processes of a host are looked at.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::Child;

use super::*;

/// Processes that do nothing, ended with the test.
struct Idle(Vec<Child>);

impl Idle {
    fn of(program: &Path, number: usize) -> Self {
        let start = |_| {
            Command::new(program)
                .arg("300")
                .stdin(Stdio::null())
                .spawn()
                .expect("it can be started")
        };
        Self((0..number).map(start).collect())
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What `table` prints, and in how many pieces.
fn table(shell: &Path) -> (String, usize) {
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    let mut command = Command::new(shell);
    if shell.ends_with("busybox") {
        command.arg("sh");
    }
    command
        .args(["-c", &format!("{COMMON}\ntable")])
        .stdin(Stdio::null())
        .stdout(Stdio::from(OwnedFd::from(theirs)));
    let mut child = command.spawn().unwrap();
    let (mut said, mut pieces) = (String::new(), 0);
    let mut buffer = vec![0; 256 * 1024];
    ours.set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    loop {
        // All that it said is there to be read once it has ended.
        let ended = child.try_wait().unwrap();
        while let Ok(read) = ours.recv(&mut buffer)
            && read > 0
        {
            said += std::str::from_utf8(&buffer[..read]).unwrap();
            pieces += 1;
        }
        if let Some(status) = ended {
            assert!(status.success(), "{status}");
            return (said, pieces);
        }
    }
}

/// A line at a time took the better part of a minute on a host with some hundred processes and more to do
/// than it could: whoever reads and writes so is put at the end of the line for each.
#[test]
fn processes_are_not_told_one_at_a_time() {
    let idle = Idle::of(Path::new("sleep"), 100);
    for shell in ["dash", "bash", "busybox"] {
        let Some(shell) = which(shell) else {
            skipped(&format!("`{shell}` is not installed"));
            continue;
        };
        let (said, pieces) = table(&shell);
        let rows = said.lines().count();
        let name = shell.display();
        assert!(rows >= 100, "{name}: {said}");
        assert!(pieces <= 1 + rows / 20, "{name}: {rows} rows in {pieces}");
        for child in &idle.0 {
            let row = format!("{}:{}:", child.id(), std::process::id());
            assert!(said.lines().any(|line| line.starts_with(&row)), "{said}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_is_told_whatever_its_name_is() {
    use std::os::unix::ffi::OsStrExt as _;
    let dir = tempfile::tempdir().unwrap();
    // No text in any encoding, and what looks like the fields that come after it.
    let path = dir
        .path()
        .join(std::ffi::OsStr::from_bytes(b"\xff) Z 1 1 ("));
    fs::copy(which("sleep").expect("it is everywhere"), &path).unwrap();
    let idle = Idle::of(&path, 1);
    let (said, _) = table(Path::new("sh"));
    let row = format!("{}:{}:", idle.0[0].id(), std::process::id());
    let row = said.lines().find(|line| line.starts_with(&row));
    assert!(row.is_some_and(|row| !row.ends_with('Z')), "{said}");
}

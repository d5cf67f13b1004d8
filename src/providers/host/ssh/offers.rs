//! What a host offers, which it says before anything is agreed on (RFC 4253, sections 4.2 and 7.1).

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use ssh2::{MethodType, Session};

use super::link::wait;

/// `SSH_MSG_KEXINIT`.
const KEXINIT: u8 = 20;
/// More than any host says before it has said what it offers, in bytes.
const MOST: usize = 64 * 1024;

/// The lists of a `KEXINIT` in their order, as far as they have to fit, and how people call them.
const LISTS: [(MethodType, &str); 6] = [
    (MethodType::Kex, "key exchange"),
    (MethodType::HostKey, "host key"),
    (MethodType::CryptCs, "cipher"),
    (MethodType::CryptSc, "cipher"),
    (MethodType::MacCs, "MAC"),
    (MethodType::MacSc, "MAC"),
];

/// Ciphers that need no MAC.
const AUTHENTICATED: [&str; 3] = [
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
];

/// Asks a host what it offers, and tells which kind of algorithm has none in common with ours.
pub(super) fn lacking(stream: OwnedFd, patience: Duration) -> Option<String> {
    let offered = match ask(&mut File::from(stream), Instant::now() + patience) {
        Ok(lists) => lists?,
        Err(error) => {
            tracing::debug!("could not ask a host what it offers: {error}");
            return None;
        }
    };
    let session = Session::new().ok()?;
    for ((kind, name), offered) in LISTS.into_iter().zip(&offered) {
        let own = session.supported_algs(kind).ok()?;
        let is_ours = |one: &&str| own.contains(one);
        let mut fitting = offered.split(',').filter(is_ours);
        let first = fitting.next();
        if first.is_none() {
            return Some(format!(
                "gharun and the host have no {name} in common: the host offers {}; gharun has {}",
                offered.replace(',', ", "),
                own.join(", ")
            ));
        }
        if name == "cipher" && first.is_some_and(|first| AUTHENTICATED.contains(&first)) {
            // Whether a MAC fits is not asked then.
            return None;
        }
    }
    None
}

/// The lists that a host sends, once it was greeted.
fn ask(stream: &mut File, end: Instant) -> io::Result<Option<Vec<String>>> {
    stream.write_all(b"SSH-2.0-gharun\r\n")?;
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    while said.len() < MOST {
        if let Some(lists) = lists(&said) {
            return Ok(Some(lists));
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        wait(&mut [PollFd::new(&*stream, PollFlags::IN)], left)?;
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(read) => said.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The lists of the first packet after the line `SSH-2.0-…`, once it is whole.
fn lists(said: &[u8]) -> Option<Vec<String>> {
    // Other lines may come before it.
    let mut rest = said;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if line.starts_with(b"SSH-") {
            break;
        }
    }
    // The length, a byte that says how much padding there is, the kind, and a cookie of 16 bytes.
    let length = usize::try_from(u32::from_be_bytes(rest.get(..4)?.try_into().ok()?)).ok()?;
    let packet = rest.get(4..4usize.checked_add(length)?)?;
    if packet.get(1) != Some(&KEXINIT) {
        return None;
    }
    let mut rest = packet.get(18..)?;
    let mut lists = Vec::new();
    for _ in LISTS {
        let length = usize::try_from(u32::from_be_bytes(rest.get(..4)?.try_into().ok()?)).ok()?;
        let (list, after) = rest.get(4..)?.split_at_checked(length)?;
        lists.push(String::from_utf8_lossy(list).into_owned());
        rest = after;
    }
    Some(lists)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a host says that offers these lists.
    fn said(offered: [&str; 6]) -> Vec<u8> {
        let mut payload = vec![0, KEXINIT];
        payload.extend([7; 16]);
        for list in offered {
            payload.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
            payload.extend(list.as_bytes());
        }
        let mut said = b"welcome\r\nSSH-2.0-x\r\n".to_vec();
        said.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        said.extend(payload);
        said
    }

    fn told(offered: [&str; 6]) -> Option<String> {
        let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        theirs.write_all(&said(offered)).unwrap();
        lacking(ours.into(), Duration::from_secs(20))
    }

    #[test]
    fn the_list_in_which_nothing_fits_is_told() {
        let fine = [
            "curve25519-sha256",
            "ssh-ed25519",
            "aes256-ctr",
            "aes256-ctr",
            "hmac-sha2-256",
            "hmac-sha2-256",
        ];
        assert_eq!(told(fine), None);
        for (at, list, name) in [
            (0, "odd-kex", "key exchange"),
            (1, "odd-key", "host key"),
            (3, "odd-cipher", "cipher"),
            (5, "odd-mac", "MAC"),
        ] {
            let mut offered = fine;
            offered[at] = list;
            let told = told(offered).expect(list);
            assert!(told.contains(name) && told.contains(list), "{told}");
        }
    }

    #[test]
    fn half_a_packet_is_waited_for() {
        let whole = said(["a", "b", "c", "d", "e", "f"]);
        assert_eq!(lists(&whole[..whole.len() - 1]), None);
        assert_eq!(lists(&whole).unwrap(), ["a", "b", "c", "d", "e", "f"]);
    }
}

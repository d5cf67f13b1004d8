//! Some seventy small configurations, and what `ssh -G` makes of each.

use std::fmt::Write as _;

use super::*;

/// A configuration: what is asked for, and the files; `@/` is their folder.
type Row = (&'static str, &'static [(&'static str, &'static str)]);

/// A row with one file.
macro_rules! rows {
    ($($host:literal: $text:literal),* $(,)?) => {
        &[$(($host, &[("config", $text)])),*]
    };
}

const ROWS: &[Row] = rows![
    "pi": "",
    "PI": "",
    // The first value counts.
    "pi": "User a\nUser b\nPort 1\nPort 2\n",
    "pi": "Host *\n User a\nHost pi\n User b\n Port 7\n",
    "pi": "Port 7\nHost other\n Port 8\nHost pi\n Port 9\n",
    "bob@pi": "Host pi\n User a\n Port 5\n",
    "bob@pi:77": "Host pi\n User a\n Port 5\n",
    // How lines are written.
    "pi": "\tHOSTNAME\tX.lab  \r\nuser=me\nPort   =  44\n",
    "pi": "User = \"a b\" # who\nHostName y#z\n",
    "pi": "User 'a b'\nIdentityFile \"/x y/z\"\nIdentityFile /x\\ y/w\n",
    "pi": "\"User\" me\n#User you\n   # Port 3\n",
    "pi": "Host=pi\nUser=me",
    "pi": "Port ssh\n",
    // Patterns.
    "pi": "Host p?\n User a\nHost *\n Port 3\n",
    "pi": "Host !pi *\n User a\nHost !po *\n Port 3\n",
    "pi": "Host \"pi pj\"\n User a\nHost pj \"pi\"\n Port 3\n",
    "pi": "Host PI\n User a\n",
    "PI": "Host pi\n User a\nHost PI\n Port 3\n HostName %h.lab\n",
    "pi": "Host pj,pi\n User a\n",
    "10.0.0.9": "Host 10.0.0.*\n User a\n",
    "::1": "Host ::1\n User a\n",
    // The real name.
    "pi": "HostName %h.Lab%%x\n",
    "pi": "HostName FE80:0::1\n",
    "pi": "HostName 10.0.0.1\nHostName 10.0.0.2\n",
    "pi": "Host pi\n HostName fe80::1\n",
    // Match.
    "pi": "Match all\n User a\n",
    "pi": "Match !all\n User a\nMatch host pi\n Port 3\n",
    "pi": "Match host pj,pi\n User a\nMatch host pi,!p*\n Port 3\n",
    "pi": "Match host=pi user=\"root,me\"\n Port 3\nMatch originalhost PI\n User me\n",
    "pi": "HostName pi.lab\nMatch host pi\n User a\nMatch host *.lab\n User b\nMatch originalhost pi\n Port 3\n",
    "pi": "HostName %h.lab\nMatch host pi.lab\n User a\n",
    "pi": "User me\nMatch user me\n Port 3\nMatch user you\n IdentityFile a\n",
    "pi": "Match !user root,nobody-of-this-name\n Port 3\nMatch !localuser nobody-of-this-name\n IdentityFile a\n",
    "bob@pi": "Match user bob host p*\n Port 3\nMatch !user bob\n IdentityFile a\n",
    "pi": "Host pj\n User a\nMatch host pi # comment\n Port 3\nHost pk\n User c\n",
    "pi": "Host pi\n User a\nMatch host pj\n User b\n Port 3\n",
    // The second reading.
    "pi": "Match final\n User a\nMatch user a\n Port 44\n",
    "pi": "Match !final\n User a\nMatch final\n User b\n Port 3\n",
    "pi": "HostName pi.lab\nMatch final host pi.lab\n User a\nHost pi.lab\n Port 7\n",
    "pi": "HostName pi.lab\nHost pi.lab\n Port 7\nMatch canonical\n User a\n",
    "pi": "HostName pi.lab\nMatch host pj final\n User a\nHost pi.lab\n Port 7\nHost pi\n IdentityFile a\n",
    "pi": "IdentityFile a\nMatch final all\n IdentityFile b\n",
    "pi": "CanonicalizeHostname yes\nMatch canonical\n User a\nMatch final\n Port 3\n",
    "pi": "CanonicalizeHostname no\nMatch canonical\n User a\n",
    "pi.lab.example": "CanonicalizeHostname yes\nCanonicalDomains example\nHost pi.lab.example\n User a\n",
    "pi": "CanonicalizeHostname yes\nCanonicalDomains example\nProxyJump gate\nMatch canonical\n User a\n",
    // Keys.
    "pi": "IdentityFile a\nIdentityFile b\nIdentityFile a\nHost pi\n IdentityFile c\n",
    "pi": "IdentityFile none\nIdentitiesOnly yes\n",
    "pi": "IdentityFile ~/.ssh/%r_%h\nIdentityFile %d/x\nCertificateFile ~/.ssh/%h-cert.pub\nCertificateFile other\n",
    "pi": "IdentitiesOnly true\nIdentitiesOnly no\n",
    "pi": "IdentityAgent none\nIdentityAgent /x\n",
    "pi": "IdentityAgent ~/agent-%h-%p-%n\nPort 4\nHostName x\n",
    "pi": "IdentityAgent SSH_AUTH_SOCK\n",
    "pi": "IdentityAgent \"~/Library/Group Containers/agent.sock\"\n",
    // Known hosts.
    "pi": "HostKeyAlias PI4\nUserKnownHostsFile ~/a \"~/b c\" /d\nGlobalKnownHostsFile /e /f\n",
    "pi": "UserKnownHostsFile none\nGlobalKnownHostsFile none\n",
    "pi": "UserKnownHostsFile /dev/null\nUserKnownHostsFile ~/b\nStrictHostKeyChecking no\n",
    "pi": "UserKnownHostsFile ~/.ssh/%h_%p\n",
    // The way.
    "pi": "ProxyJump gate\n",
    "pi": "ProxyJump me@gate:23,inner # by two\n",
    "pi": "ProxyJump none\nProxyCommand nc %h %p\n",
    "pi": "ProxyCommand none\nProxyJump gate\n",
    "pi": "ProxyJump none\nProxyJump gate\n",
    "pi": "ProxyJump NONE\nProxyCommand none\nProxyCommand x\n",
    "pi": "ProxyCommand nc -X 5 'a b' %h %p # c\nProxyJump gate\n",
    "pi": "ProxyJump gate\nProxyCommand nc %h %p\n",
    "pi": "Host gate\n ProxyJump none\nHost *\n ProxyJump gate\n",
    "gate": "Host gate\n ProxyJump none\nHost *\n ProxyJump gate\n",
    "pi": "ProxyCommand=ssh -W [%h]:%p gate\n",
    // Time.
    "pi": "ConnectTimeout 1m30s\n",
    "pi": "ConnectTimeout none\nConnectTimeout 5\n",
    "pi": "ConnectTimeout = 7\n",
    // What does not concern us.
    "pi": "IgnoreUnknown Foo,UseKeychain\nFoo bar\nUseKeychain yes\nUser a\n",
    "pi": "AddKeysToAgent confirm\nForwardAgent $SSH_AUTH_SOCK\nSendEnv LANG LC_*\nLocalForward 1 x:2\nUser a\n",
];

/// Those with more than one file.
const INCLUDES: &[Row] = &[
    ("pi", &[("config", "Include @/none/*\nUser a\n")]),
    (
        "pi",
        &[
            ("config", "User a\nInclude @/d/*\nPort 9\n"),
            ("d/10", "User b\nHost pj\n Port 3\n"),
            ("d/20", "Port 4\n"),
        ],
    ),
    (
        "pi",
        &[
            ("config", "Include @/d/10 @/d/2?\n"),
            (
                "d/10",
                "Host pi\n HostName 127.0.0.1\n Port 2201\n User alice\nMatch host pj\n User bob\n Port 2202\n",
            ),
            ("d/20", "Match host 127.*\n IdentityFile a\n"),
        ],
    ),
    (
        "pi",
        &[
            (
                "config",
                "Host pj\n Include @/a\n User a\nHost pi\n Include @/b\n Port 3\n",
            ),
            ("a", "Port 1\nHost *\n User x\nMatch all\n User y\n"),
            ("b", "IdentityFile b\nHost pj\n User z\n"),
        ],
    ),
    (
        "pi",
        &[
            ("config", "Match host pi\n Include @/a\nUser me\n"),
            ("a", "Include @/b\n Port 3\n"),
            ("b", "Include @/c\n"),
            ("c", "HostName pi.lab\nMatch final\n ProxyJump gate\n"),
        ],
    ),
    (
        "pi",
        &[
            ("config", "Include @/\nInclude @/d/*\nUser a\n"),
            ("d/sub/x", "User wrong\n"),
            ("d/a.conf", "Port 3"),
        ],
    ),
    (
        "pi",
        &[
            ("config", "Include \"@/with blank\" @/[ab]\n"),
            ("with blank", "User a\n"),
            ("a", "Port 3\n"),
            ("b", "Port 4\nIdentityFile b\n"),
        ],
    ),
];

/// The keys that are compared.
const KEYS: [&str; 13] = [
    "certificatefile",
    "connecttimeout",
    "globalknownhostsfile",
    "hostkeyalias",
    "hostname",
    "identitiesonly",
    "identityagent",
    "identityfile",
    "port",
    "proxycommand",
    "proxyjump",
    "user",
    "userknownhostsfile",
];

/// What `ssh -G` says, by key; keys that come more than once have several lines.
fn by_ssh(config: &Path, host: &str) -> Option<BTreeMap<String, String>> {
    let mut ssh = Command::new("ssh");
    ssh.arg("-F").arg(config).arg("-G");
    let (user, rest) = host
        .split_once('@')
        .map_or((None, host), |(user, rest)| (Some(user), rest));
    let (name, port) = match rest.split_once(':') {
        Some((name, port)) if !port.contains(':') => (name, Some(port)),
        _ => (rest, None),
    };
    ssh.args(user.map(|user| ["-l", user]).into_iter().flatten());
    ssh.args(port.map(|port| ["-p", port]).into_iter().flatten());
    let output = ssh.arg("--").arg(name).output().ok()?;
    assert!(
        output.status.success(),
        "{}\n{}",
        fs::read_to_string(config).unwrap(),
        String::from_utf8_lossy(&output.stderr)
    );
    let mut said = BTreeMap::<String, String>::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        if KEYS.contains(&key) {
            let values = said.entry(key.to_owned()).or_default();
            writeln!(values, "{value}").unwrap();
        }
    }
    Some(said)
}

/// The same by our reading. What is left out is as `ssh -G` tells it for an empty file.
fn by_us(files: &Files, host: &str, empty: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let reader = files.reader();
    let (user, rest) = host
        .split_once('@')
        .map_or((None, host), |(user, rest)| (Some(user), rest));
    let (name, port) = match rest.split_once(':') {
        Some((name, port)) if !port.contains(':') => (name, port.parse().ok()),
        _ => (rest, None),
    };
    let options = reader.options(&Query {
        host: name,
        user,
        port,
        fallback: &reader.around.user,
    });
    let options = options.unwrap_or_else(|flaw| panic!("{}: {}", flaw.at, flaw.what));
    let host_name = options.hostname.as_ref().unwrap().value.clone();
    let user = options
        .user
        .as_ref()
        .map_or(&reader.around.user, |found| &found.value);
    let tokens = Tokens {
        around: &reader.around,
        host: host_name.clone(),
        original: name,
        alias: options
            .host_key_alias
            .as_ref()
            .map(|found| found.value.clone()),
        port: options.port.as_ref().map_or(22, |found| found.value),
        user: user.clone(),
    };
    // `ssh -G` of some versions tells paths as they were written, and of others as they are.
    let path = |text: &str| tokens.path(text).unwrap().display().to_string();
    let mut said = empty.clone();
    let mut put = |key: &str, values: Vec<String>| {
        said.insert(
            key.to_owned(),
            values
                .iter()
                .fold(String::new(), |all, one| all + one + "\n"),
        );
    };
    put("hostname", vec![host_name.clone()]);
    put("user", vec![user.clone()]);
    put("port", vec![tokens.port.to_string()]);
    let texts = |found: &[Found<String>]| -> Vec<String> {
        found.iter().map(|found| path(&found.value)).collect()
    };
    if !options.identity_files.is_empty() {
        put("identityfile", texts(&options.identity_files));
    }
    if !options.certificate_files.is_empty() {
        put("certificatefile", texts(&options.certificate_files));
    }
    if let Some(found) = &options.identity_agent {
        put("identityagent", vec![path(&found.value)]);
    }
    if let Some(found) = &options.identities_only {
        put(
            "identitiesonly",
            vec![if found.value { "yes" } else { "no" }.to_owned()],
        );
    }
    if let Some(found) = &options.host_key_alias {
        put("hostkeyalias", vec![found.value.clone()]);
    }
    let joined = |files: &[String]| {
        let files: Vec<String> = files.iter().map(|file| path(file)).collect();
        vec![files.join(" ")]
    };
    if let Some(found) = &options.user_known_hosts {
        put("userknownhostsfile", joined(&found.value));
    }
    if let Some(found) = &options.global_known_hosts {
        put("globalknownhostsfile", joined(&found.value));
    }
    match options.proxy() {
        Some((Proxy::Jump(hops), _)) => put("proxyjump", vec![hops.join(",")]),
        Some((Proxy::Command(command), _)) => put("proxycommand", vec![command.clone()]),
        None => {}
    }
    if let Some(found) = &options.connect_timeout {
        put("connecttimeout", vec![found.value.as_secs().to_string()]);
    }
    said.into_iter()
        .map(|(key, text)| {
            let is_path = key == "identityfile" || key == "certificatefile";
            let text = if is_path { paths(&text, path) } else { text };
            (key, text)
        })
        .collect()
}

/// Some lines, each of them a path.
fn paths(lines: &str, path: impl Fn(&str) -> String) -> String {
    lines
        .lines()
        .fold(String::new(), |all, line| all + &path(line) + "\n")
}

#[test]
fn every_configuration_is_read_as_ssh_reads_it() {
    let nothing = Files::with(&[("config", "")]);
    let config = |files: &Files| files.0.path().join("config");
    let Some(mut empty) = by_ssh(&config(&nothing), "pi") else {
        return skipped("configurations of ssh: `ssh` is not installed");
    };
    empty.retain(|key, _| !["hostname", "port", "user"].contains(&key.as_str()));
    let mut differ = Vec::new();
    for (host, files) in ROWS.iter().chain(INCLUDES) {
        let files = Files::with(files);
        let mut theirs = by_ssh(&config(&files), host).expect("it is there");
        let ours = by_us(&files, host, &empty);
        let reader = files.reader();
        for key in ["identityfile", "certificatefile"] {
            if let Some(lines) = theirs.get_mut(key) {
                let (name, user) = (ours["hostname"].trim_end(), ours["user"].trim_end());
                let tokens = Tokens {
                    around: &reader.around,
                    host: name.to_owned(),
                    original: host,
                    alias: None,
                    port: 22,
                    user: user.to_owned(),
                };
                *lines = paths(lines, |text| {
                    tokens.path(text).unwrap().display().to_string()
                });
            }
        }
        for key in KEYS {
            if ours.get(key) != theirs.get(key) {
                let text = fs::read_to_string(config(&files)).unwrap();
                differ.push(format!(
                    "{host} of {text:?}: {key}: {:?}, and `ssh`: {:?}",
                    ours.get(key),
                    theirs.get(key)
                ));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(ROWS.len() + INCLUDES.len() >= 60);
}

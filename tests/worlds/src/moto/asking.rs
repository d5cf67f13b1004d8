//! What is asked of a moto server past every proxy and SDK: what is there, and what was made of it.

use std::io::{Read as _, Write as _};

use super::Server;

/// Asks the server itself, and tells the body of its answer.
pub fn ask(server: &Server, region: &str, action: &str, more: &[(&str, &str)]) -> String {
    send(server, ("ec2", "2016-11-15"), region, action, more)
}

/// Makes an instance profile, which belongs to IAM.
pub fn make_instance_profile(server: &Server, name: &str) {
    let name = [("InstanceProfileName", name)];
    send(
        server,
        ("iam", "2010-05-08"),
        "us-east-1",
        "CreateInstanceProfile",
        &name,
    );
}

/// Sends a request to a service and its version.
fn send(
    server: &Server,
    (service, version): (&str, &str),
    region: &str,
    action: &str,
    more: &[(&str, &str)],
) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", action)
        .append_pair("Version", version);
    for (key, value) in more {
        form.append_pair(key, value);
    }
    let body = form.finish();
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-www-form-urlencoded\r\n{}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        server.host,
        server
            .identity(region)
            .replace("/ec2/", &format!("/{service}/")),
        body.len()
    );
    let mut stream = std::net::TcpStream::connect(&server.host).expect("moto listens");
    stream.write_all(request.as_bytes()).expect("moto reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("moto answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a body");
    assert!(
        head.lines()
            .next()
            .is_some_and(|line| line.contains(" 200")),
        "{action}: {answer}"
    );
    body.to_owned()
}

/// All texts between `<tag>` and `</tag>`.
pub fn texts(xml: &str, tag: &str) -> Vec<String> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    xml.split(open.as_str())
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(close.as_str())?.0.to_owned()))
        .collect()
}

/// The ids of the instances that are not gone, by a tag.
pub fn alive(server: &Server, region: &str, tag: &str, value: &str) -> Vec<String> {
    let name = format!("tag:{tag}");
    let answer = ask(
        server,
        region,
        "DescribeInstances",
        &[
            ("Filter.1.Name", name.as_str()),
            ("Filter.1.Value.1", value),
            ("Filter.2.Name", "instance-state-name"),
            ("Filter.2.Value.1", "pending"),
            ("Filter.2.Value.2", "running"),
            ("Filter.2.Value.3", "stopping"),
            ("Filter.2.Value.4", "stopped"),
        ],
    );
    texts(&answer, "instanceId")
}

/// The user data that an instance holds.
pub fn user_data(server: &Server, region: &str, id: &str) -> Vec<u8> {
    use base64::Engine as _;
    let answer = ask(
        server,
        region,
        "DescribeInstanceAttribute",
        &[("InstanceId", id), ("Attribute", "userData")],
    );
    let data = texts(&answer, "value")
        .into_iter()
        .next()
        .expect("user data");
    base64::engine::general_purpose::STANDARD
        .decode(data.trim())
        .expect("base64")
}

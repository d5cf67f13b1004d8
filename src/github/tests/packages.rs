//! The runner's archives.

use super::*;
use crate::model::RunnerVersion;

const SUM: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn download(os: &str, architecture: &str, version: &str, sum: Option<&str>) -> Value {
    let filename = format!("actions-runner-{os}-{architecture}-{version}.tar.gz");
    let mut download = json!({"os": os, "architecture": architecture,
        "download_url": format!("https://example.test/{filename}"), "filename": filename});
    if let Some(sum) = sum {
        download["sha256_checksum"] = json!(sum);
    }
    download
}

fn release() -> Value {
    let asset = |name: &str, digest: Value| {
        json!({"name": name, "size": 1, "digest": digest,
            "browser_download_url": format!("https://example.test/{name}")})
    };
    let zeros = "0".repeat(64);
    json!({
        "tag_name": "v2.336.0",
        "body": format!("notes <!-- BEGIN SHA osx-arm64 -->{SUM}<!-- END SHA osx-arm64 -->"),
        "assets": [
            asset("actions-runner-linux-x64-2.336.0.tar.gz", json!(format!("sha256:{SUM}"))),
            asset("actions-runner-osx-arm64-2.336.0.tar.gz", Value::Null),
            asset("actions-runner-win-x64-2.336.0.zip", json!("sha512:00")),
            asset("actions-runner-linux-x64-noruntime-2.336.0.tar.gz", json!(format!("sha256:{zeros}"))),
            asset("notes.txt", Value::Null),
        ],
    })
}

/// Platform, version, and whether the checksum is the one of the fixtures.
fn summary(downloads: &[Download]) -> Vec<(&str, &str, Option<&str>, bool)> {
    fn line(download: &Download) -> (&str, &str, Option<&str>, bool) {
        (
            &download.os,
            &download.architecture,
            download.version(),
            download.sha256_checksum.as_deref() == Some(SUM),
        )
    }
    downloads.iter().map(line).collect()
}

#[tokio::test]
async fn the_latest_is_what_github_names_for_the_scope() {
    let own = json!([download("linux", "x64", "2.335.1", Some(SUM))]);
    let server = Server::replies([Reply::json(200, own)]).await;
    let packages = client(&server)
        .packages(&RunnerVersion::Latest)
        .await
        .unwrap();
    assert_eq!(
        summary(&packages),
        [("linux", "x64", Some("2.335.1"), true)]
    );
    assert_eq!(
        server.lines(),
        ["GET /repos/acme/app/actions/runners/downloads"]
    );
}

#[tokio::test]
async fn a_missing_checksum_is_taken_from_the_release_and_never_made_up() {
    let own = json!([
        download("linux", "x64", "2.336.0", None),
        download("linux", "arm64", "2.336.0", None),
    ]);
    let server = Server::replies([Reply::json(200, &own), Reply::json(200, release())]).await;
    let packages = client(&server)
        .packages(&RunnerVersion::Latest)
        .await
        .unwrap();
    assert_eq!(
        summary(&packages),
        [
            ("linux", "x64", Some("2.336.0"), true),
            ("linux", "arm64", Some("2.336.0"), false),
        ]
    );
    assert_eq!(
        server.lines()[1],
        "GET /repos/actions/runner/releases/tags/v2.336.0"
    );

    let replies = [Reply::json(200, own), refusal(404, "Not Found")];
    let server = Server::replies(replies).await;
    let packages = client(&server)
        .packages(&RunnerVersion::Latest)
        .await
        .unwrap();
    assert!(
        packages
            .iter()
            .all(|package| package.sha256_checksum.is_none())
    );
}

#[tokio::test]
async fn an_empty_list_falls_back_to_the_latest_release() {
    let server = Server::replies([Reply::json(200, "[]"), Reply::json(200, release())]).await;
    let packages = client(&server)
        .packages(&RunnerVersion::Latest)
        .await
        .unwrap();
    assert_eq!(packages.len(), 3);
    assert_eq!(
        server.lines()[1],
        "GET /repos/actions/runner/releases/latest"
    );
}

#[tokio::test]
async fn a_pinned_version_is_a_release_with_its_digests() {
    let server = Server::replies([Reply::json(200, release())]).await;
    let version = "v2.336.0".parse().unwrap();
    let packages = client(&server).packages(&version).await.unwrap();
    assert_eq!(
        summary(&packages),
        [
            ("linux", "x64", Some("2.336.0"), true),
            ("osx", "arm64", Some("2.336.0"), true),
            ("win", "x64", Some("2.336.0"), false),
        ]
    );
    assert_eq!(
        packages[0].download_url,
        "https://example.test/actions-runner-linux-x64-2.336.0.tar.gz"
    );
    assert_eq!(
        server.lines(),
        ["GET /repos/actions/runner/releases/tags/v2.336.0"]
    );
}

#[tokio::test]
async fn a_release_can_be_read_without_a_token() {
    let server = Server::replies([Reply::json(200, release())]).await;
    let config = ClientConfig {
        token: None,
        ..config(&server)
    };
    let version = RunnerVersion::Exact("2.336.0".into());
    Client::new(config)
        .unwrap()
        .packages(&version)
        .await
        .unwrap();
    assert_eq!(server.seen()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_version_that_is_not_there_says_what_to_do() {
    let server = Server::replies([refusal(404, "Not Found")]).await;
    let version = RunnerVersion::Exact("9.9.9".into());
    let error = client(&server).packages(&version).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(
        told(&error).contains("hint: leave `--runner-version` out"),
        "{}",
        told(&error)
    );

    let empty = json!({"tag_name": "v9.9.9", "assets": [], "body": null});
    let server = Server::replies([Reply::json(200, empty)]).await;
    let error = client(&server).packages(&version).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_ghes_has_its_own_versions_and_no_others() {
    let own = json!([
        download("linux", "x64", "2.311.0", None),
        download("osx", "x64", "2.311.0", None),
    ]);
    let server = Server::serve(move |seen| match seen.target.as_str() {
        "/api/v3/repos/acme/app/actions/runners/downloads" => Reply::json(200, &own),
        _ => refusal(404, "Not Found"),
    })
    .await;
    let config = ClientConfig {
        api_url: api_url(&server.url()),
        ..config(&server)
    };
    let client = Client::new(config).unwrap();
    for version in [
        RunnerVersion::Latest,
        RunnerVersion::Exact("2.311.0".into()),
    ] {
        assert_eq!(client.packages(&version).await.unwrap().len(), 2);
    }
    let version = RunnerVersion::Exact("2.336.0".into());
    let error = client.packages(&version).await.unwrap_err();
    assert_eq!(
        told(&error),
        "`127.0.0.1` does not offer version 2.336.0 of the runner\n\
         hint: leave `--runner-version` out; it offers 2.311.0"
    );
    assert_eq!(server.seen().len(), 3);
}

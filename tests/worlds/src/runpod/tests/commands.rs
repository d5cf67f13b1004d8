//! Pods' commands, really run.

use serde_json::{Value, json};

use super::super::Machinery;
use super::{Account, order, until};

#[tokio::test]
async fn a_command_runs_again_whenever_it_ends_until_its_pod_is_gone() {
    let account = Account::open();
    let standin = &account.standin;
    standin.rule(|rules| {
        rules.machinery = Some(Machinery {
            image: vec![("IMAGE".into(), "{disk}/there".into())],
            ..Machinery::default()
        });
    });
    let mark = format!("mark-{}", crate::random(10));
    let script = format!(
        "echo \"$A $RUNPOD_POD_ID $RUNPOD_API_KEY $IMAGE\"; ls; touch left; [ -e /proc/1 ]; (exec -a {mark} sleep 300) & \
        if [ \"$ONCE\" = yes ]; then exec sleep 300; fi; sleep 0.1"
    );
    let mut order = order("x");
    order["entrypoint"] = json!(["bash", "-c"]);
    order["cmd"] = json!([script]);
    order["env"] = json!({"A": "b", "RUNPOD_API_KEY": "mine"});
    let made = account.create(&order).await;
    let id = made.body["id"].as_str().unwrap();
    until("it ran twice", || standin.pod(id).unwrap().runs >= 3).await;
    let pod = standin.pod(id).unwrap();
    let first = pod.log.lines().find(|line| line.starts_with("b ")).unwrap();
    assert!(
        first.starts_with(&format!("b {id} {} /", pod.key)),
        "{first}"
    );
    // Its disk is wiped each time.
    assert!(!pod.log.lines().any(|line| line == "left"), "{}", pod.log);
    let running = || {
        let all = std::process::Command::new("ps")
            .args(["-A", "-ww", "-o", "args="])
            .output()
            .unwrap();
        String::from_utf8_lossy(&all.stdout).contains(&mark)
    };
    account.ask(&format!("DELETE /v2/pods/{id}"), None).await;
    until("it is dead", || !standin.pod(id).unwrap().runs_now).await;
    until("nothing of it runs", || !running()).await;

    order["env"]["ONCE"] = json!("yes");
    let made = account.create(&order).await;
    let id = made.body["id"].as_str().unwrap();
    until("it runs", running).await;
    assert_eq!(standin.pod(id).unwrap().runs, 1);
    standin.crash(id);
    until("it runs again", || standin.pod(id).unwrap().runs == 2).await;
    until("it runs", running).await;
    drop(account);
    until("nothing of it runs", || !running()).await;
}

#[tokio::test]
async fn what_a_pod_says_is_a_stream_that_does_not_end() {
    let account = Account::open();
    let standin = &account.standin;
    standin.rule(|rules| rules.machinery = Some(Machinery::default()));
    let mut order = order("x");
    order["args"] =
        json!(json!({"cmd": ["sh", "-c", "echo it\\'s said; exec sleep 300"]}).to_string());
    let pod = standin.create(&order);
    until("it is said", || {
        standin.pod(&pod.id).unwrap().log.contains("it's said")
    })
    .await;
    let url = format!(
        "{}/v2/pods/{}/logs?source=container&tail=5",
        standin.url, pod.id
    );
    let request = account.client.get(url).bearer_auth(&account.key);
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let chunk = answer.chunk().await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&chunk);
    let data = text.lines().find_map(|line| line.strip_prefix("data: "));
    let data: Value = serde_json::from_str(data.unwrap()).unwrap();
    assert_eq!(data["line"], "it's said");
    assert_eq!(data["source"], "container");
    account.is_as_described();
}

//! Boot scripts that are really run, from launch to end.

use super::*;

/// An image with these variables.
fn image(variables: &[(&str, &str)]) -> Machinery {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Machinery {
        image: variables.iter().map(pair).collect(),
        ..Machinery::default()
    }
}

#[tokio::test]
async fn a_pod_really_runs_its_script_once_and_deletes_itself() {
    let account = Account::open();
    account
        .standin
        .rule(|rules| rules.machinery = Some(image(&[("GHARUN_LINGER", "0")])));
    let runpod = account.with(two());
    let said = "it's \"$HOME\" `x` \\ äß€😀 \u{1}\u{7f}";
    let mut one = order("k3x9");
    one.boot = Secret::new(format!(
        "#!/bin/sh\ncat <<'EOF'\n{said}\nEOF\n[ -z \"${{GHARUN_BOOT:-}}\" ] && echo hidden\nsleep 3\nexit 70\n"
    ));
    let machine = runpod.launch(&one).await.unwrap();
    let log = until(SOON, async || {
        let log = runpod.logs(&machine.id).await.expect("a log")?;
        log.contains("hidden").then_some(log)
    });
    let log = log.await.expect("the script runs");
    assert!(log.lines().any(|line| line == said), "{log}");
    assert!(log.contains("runpod: start container"), "{log}");
    let gone = until(SOON, async || account.alive().is_empty().then_some(()));
    let pod = account.standin.pod(&machine.id.id).expect("it was there");
    assert!(gone.await.is_some(), "{}", pod.log);
    assert_eq!(account.standin.pod(&machine.id.id).unwrap().runs, 1);
    assert!(runpod.list().await.unwrap().instances.is_empty());
    account.is_clean();
}

/// The whole boot script, for a platform that GitHub has no runner for: its end is that of its pod.
#[tokio::test]
async fn the_boot_script_ends_its_own_pod_and_a_restart_runs_nothing_again() {
    let account = Account::open();
    account.standin.rule(|rules| {
        rules.machinery = Some(image(&[("GHARUN_WORK", "{disk}"), ("GHARUN_LINGER", "0")]));
    });
    // So that its end is tried again, and its container can be restarted in the midst of it.
    let deed = Deed::refuse(500, "not now");
    account
        .standin
        .times(u32::MAX, "DELETE", "/v2/pods/{id}", deed.clone());
    account
        .standin
        .times(u32::MAX, "POST", "/v2/pods/{id}/action", deed);
    let runpod = account.with(two());
    let mut one = order("k3x9");
    one.boot = crate::bootstrap::script(&crate::bootstrap::Boot {
        name: &one.name,
        credential: crate::bootstrap::BootCredential::Jit(&Secret::new("jit")),
        packages: &[],
        pinned: false,
        ending: runpod.shutdown_command(),
        expires: one.tags.expires,
        lifetime: one.lifetime,
        idle_limit: None,
        user: &crate::model::JobUser::default(),
        keep_failed: false,
        setup: None,
        secrets: RunPod::secrets_in_env(),
        env: &[],
        ca: None,
    });
    let machine = runpod.launch(&one).await.unwrap();
    let id = machine.id.id.as_str();
    let cannot = "the machine cannot end itself yet";
    let tried = async |runs: usize| {
        let tried = until(SOON, async || {
            let pod = account.standin.pod(id)?;
            let tries = pod.log.matches(cannot).count();
            (pod.runs >= runs && tries >= runs).then_some(())
        });
        let log = || account.standin.pod(id).map(|pod| pod.log);
        assert!(tried.await.is_some(), "{:?}", log());
    };
    tried(1).await;
    account.standin.crash(id);
    tried(2).await;
    account.standin.forgive();
    let gone = until(SOON, async || account.alive().is_empty().then_some(()));
    assert!(gone.await.is_some(), "{:?}", account.standin.pod(id));
    account.is_clean();
}

//! Pods that were accepted and never become runners: told from slow ones, with what their hosts and scripts say.

use super::*;
use crate::model::{BootCause, Instance, JobUser, Order, RunAs};
use crate::providers::contract::ends;

const CUDA: &str = "error starting container: Error response from daemon: failed to create task for container: OCI runtime create failed: nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update your driver to a newer version, or use an earlier cuda container: unknown";

/// A machine as the list shows it, once it is so.
async fn seen(runpod: &RunPod, order: &Order, so: impl Fn(&Instance) -> bool) -> Instance {
    let found = until(SOON, async || {
        let machines = runpod.list().await.expect("a list").instances;
        let mut own = machines.into_iter();
        own.find(|machine| machine.tags.name == order.name && so(machine))
    });
    found.await.expect("it is seen so")
}

/// What is found to be wrong with a pod whose host says this of every container of `what`.
async fn doom(account: &Account, runpod: &RunPod, what: &str, line: &str) -> (Order, Error) {
    account
        .standin
        .rule(|rules| rules.stuck = vec![(what.to_owned(), line.to_owned())]);
    let order = order("k3x9");
    let machine = runpod.launch(&order).await.expect("it is accepted");
    let pending = seen(runpod, &order, |one| one.state == Condition::Pending).await;
    let doomed = until(SOON, async || runpod.why_doomed(&pending).await);
    let doomed = doomed.await.expect("it will never start");
    ends(&Arc::new(account.with(two())), &machine.id)
        .await
        .expect("it ends");
    (order, doomed)
}

#[tokio::test]
async fn a_host_with_too_old_a_driver_is_told_and_the_next_gpu_is_tried() {
    let account = Account::open();
    let runpod = account.with(two());
    let (order, error) = doom(&account, &runpod, "NVIDIA L40S", CUDA).await;
    assert_eq!(error.kind, ErrorKind::NoCapacity, "{}", chain(&error));
    assert_eq!(error.key(), Some("min_cuda"));
    assert!(chain(&error).contains("cuda>=12.8"), "{}", chain(&error));
    assert!(
        error.hints()[0].contains("min_cuda = \"12.8\""),
        "{error:?}"
    );
    let next = runpod.launch(&order).await.expect("the next GPU");
    assert_eq!(
        account.tried(),
        ["NVIDIA L40S SECURE", "NVIDIA RTX A4000 SECURE"]
    );
    let up = seen(&runpod, &order, |one| one.state == Condition::Running).await;
    assert_eq!(up.id, next.id);
    assert!(runpod.why_doomed(&up).await.is_none());
    account.is_clean();
}

#[tokio::test]
async fn a_host_that_fails_is_given_one_more_chance_behind_the_others() {
    let account = Account::open();
    let runpod = account.with(json!({ "gpu": "L40S" }));
    let line = "error creating container: layer does not exist";
    let (order, error) = doom(&account, &runpod, "*", line).await;
    assert_eq!(error.kind, ErrorKind::NoCapacity, "{}", chain(&error));
    let (_, error) = doom(&account, &runpod, "*", line).await;
    assert!(chain(&error).contains("layer does not exist"), "{error:?}");
    let error = runpod.launch(&order).await.expect_err("nothing is left");
    assert_eq!(error.kind, ErrorKind::NoCapacity);
    assert!(chain(&error).contains("layer does not exist"), "{error:?}");
    assert!(
        chain(&error).contains("RunPod's host could not start the container"),
        "{error:?}"
    );
    let hints = error.hints().join("\n");
    assert!(hints.contains("`gpu = [\"L40S\", \"A40\"]`"), "{hints}");
    assert_eq!(account.tried().len(), 2);
}

#[tokio::test]
async fn an_image_that_no_host_can_run_is_the_fault_of_its_setting() {
    for (line, key, hint) in [
        (
            "error pulling image: manifest for ghcr.io/octo/nosuch:1 not found: manifest unknown: manifest unknown",
            "image",
            "check the name and the tag",
        ),
        (
            "error pulling image: Error response from daemon: Head \"https://ghcr.io/v2/octo/nosuch/manifests/1\": unauthorized",
            "image",
            "`registry`",
        ),
        (
            "error creating container: failed to register layer: no space left on device",
            "disk",
            "disk = 40",
        ),
    ] {
        let account = Account::open();
        let runpod = account.with(two());
        let (_, error) = doom(&account, &runpod, "*", line).await;
        assert_eq!(error.kind, ErrorKind::Config, "{}", chain(&error));
        assert_eq!(error.key(), Some(key), "{}", chain(&error));
        assert!(error.hints().join("\n").contains(hint), "{error:?}");
        account.is_clean();
    }
}

#[tokio::test]
async fn a_container_that_is_slow_is_waited_for() {
    let account = Account::open();
    account
        .standin
        .rule(|rules| rules.start = [Lag::None, Lag::None, Lag::Forever]);
    let mut runpod = account.with(two());
    let order = order("k3x9");
    runpod.launch(&order).await.unwrap();
    let pending = seen(&runpod, &order, |one| one.state == Condition::Pending).await;
    for _ in 0..5 {
        assert!(runpod.why_doomed(&pending).await.is_none());
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    // Logs are read at their own pace, however often somebody wants to know.
    runpod.paces.logs.each = Duration::from_hours(1);
    let path = "/v2/pods/{id}/logs";
    let before = account.standin.asked_for("GET", path).len();
    for _ in 0..20 {
        runpod.why_doomed(&pending).await;
    }
    let after = account.standin.asked_for("GET", path).len();
    assert!(after <= before + 1, "{before} {after}");
}

/// What the boot script says when its setup fails, and its end as it is on RunPod.
const FAILS: &str = "#!/bin/sh\necho 'installing torch'\necho 'gharun: error: the setup script failed with exit code 3'\necho 'gharun: phase=end t=1 code=74 last=setup why=the setup script failed with exit code 3'\nexit 74\n";

fn failing() -> Order {
    let mut order = order("k3x9");
    order.boot = Secret::new(FAILS);
    order
}

/// An order whose whole boot script fails in its setup, and keeps the pod for so long.
fn kept(runpod: &RunPod, lifetime: Duration) -> Order {
    let mut order = order("k3x9");
    order.keep_failed = true;
    order.lifetime = lifetime;
    order.tags.expires = jiff::Timestamp::now() + lifetime;
    order.boot = crate::bootstrap::script(&crate::bootstrap::Boot {
        name: &order.name,
        credential: crate::bootstrap::BootCredential::Jit(&Secret::new("jit")),
        packages: &[],
        pinned: false,
        ending: runpod.shutdown_command(),
        expires: order.tags.expires,
        lifetime,
        idle_limit: None,
        user: &JobUser::default(),
        keep_failed: true,
        setup: Some("exit 3"),
        secrets: RunPod::secrets_in_env(),
        env: &[],
        ca: None,
    });
    order
}

fn account_with(linger: &str) -> Account {
    let account = Account::open();
    account.standin.rule(|rules| {
        rules.machinery = Some(Machinery {
            image: [
                ("GHARUN_LINGER", linger),
                ("GHARUN_WORK", "{disk}"),
                ("GHARUN_ALLOW_ROOT", "1"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            ..Machinery::default()
        });
    });
    account
}

#[tokio::test]
async fn what_a_failed_boot_said_outlives_its_pod() {
    let account = account_with("3");
    let runpod = account.with(two());
    let order = failing();
    let machine = runpod.launch(&order).await.unwrap();
    let ended = until(SOON, async || {
        let machines = runpod.list().await.expect("a list").instances;
        let machine = machines.into_iter().next()?;
        runpod.why_doomed(&machine).await;
        match machine.state {
            Condition::Ended(how) => Some(how),
            _ => None,
        }
    });
    let how = ended.await.expect("its script has ended");
    assert_eq!(how, "the setup script failed with exit code 3");
    let gone = until(SOON, async || account.alive().is_empty().then_some(()));
    gone.await.expect("the pod ends itself all the same");
    let log = runpod.logs(&machine.id).await.unwrap().expect("a log");
    assert!(log.contains("installing torch"), "{log}");
    account.is_clean();
}

#[tokio::test]
async fn a_pod_that_is_to_be_kept_stays_after_a_failure_and_tells_how_to_get_in() {
    let account = account_with("0");
    let runpod = account.with(two());
    let order = kept(&runpod, Duration::from_hours(1));
    let machine = runpod.launch(&order).await.unwrap();
    let ended = until(SOON, async || {
        let machines = runpod.list().await.expect("a list").instances;
        let machine = machines.into_iter().next()?;
        runpod.why_doomed(&machine).await;
        matches!(machine.state, Condition::Ended(_)).then_some(machine)
    });
    let ended = ended.await.expect("its script has ended");
    let said = account
        .standin
        .pod(&machine.id.id)
        .expect("it is there")
        .log;
    assert!(said.contains("gharun: phase=kept"), "{said}");
    assert_eq!(account.alive(), [machine.id.id.as_str()], "it is kept");
    assert_eq!(account.standin.bodies()[0]["startSsh"], true);
    let ways = runpod.access(&ended);
    let ssh = format!("ssh {}-64411eb2@ssh.runpod.io", machine.id.id);
    assert_eq!(ways[0], ssh, "{ways:?}");
    account.is_clean();

    // Nobody's keys get into another one.
    let account = account_with("0");
    let runpod = account.with(two());
    let other = crate::providers::contract::order("k3x9");
    runpod.launch(&other).await.unwrap();
    let up = seen(&runpod, &other, |one| one.state == Condition::Running).await;
    let ways = runpod.access(&up);
    assert!(ways.iter().all(|way| !way.starts_with("ssh ")), "{ways:?}");
    assert!(account.standin.bodies()[0].get("startSsh").is_none());
}

#[tokio::test]
async fn a_pod_that_is_kept_ends_with_its_lifetime_and_where_nothing_is_left_to_end_it() {
    // Its clock goes two hours forward when a file is there.
    let clock = tempfile::tempdir().expect("a folder");
    let late = clock.path().join("late");
    let date = format!(
        "#!/bin/sh\nPATH=/usr/bin:/bin\n[ -e '{}' ] && [ \"$*\" = +%s ] && echo $(($(date +%s) + 7200)) && exit\nexec date \"$@\"\n",
        late.display()
    );
    gharun_worlds::write_program(&clock.path().join("date"), &date, 0o755);
    let account = account_with("0");
    account.standin.rule(|rules| {
        let machinery = rules.machinery.as_mut().expect("its pods run");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", clock.path().display());
        machinery.image.push(("PATH".to_owned(), path));
    });
    let runpod = account.with(two());
    let order = kept(&runpod, Duration::from_hours(1));
    let machine = runpod.launch(&order).await.unwrap();
    let said = || {
        let pod = account.standin.pod(&machine.id.id);
        pod.map_or_else(String::new, |pod| pod.log)
    };
    let stays = until(SOON, async || {
        said().contains("phase=kept").then(|| account.alive().len())
    });
    assert_eq!(stays.await, Some(1), "{}", said());
    std::fs::write(&late, "").expect("a file");
    let gone = until(SOON, async || account.alive().is_empty().then_some(()));
    gone.await.expect("it ends itself");
    assert!(said().contains("phase=lifetime"), "{}", said());

    // A script that is gone with its watchdog keeps nothing.
    let account = account_with("0");
    let runpod = account.with(two());
    let mut order = failing();
    order.keep_failed = true;
    runpod.launch(&order).await.unwrap();
    let gone = until(SOON, async || account.alive().is_empty().then_some(()));
    gone.await.expect("its first process ends it");
}

#[tokio::test]
async fn hints_name_the_users_own_table() {
    let account = Account::open();
    account.standin.stock("*", "*", "*", Level::High, 0);
    let runpod = account.with(two()).called("gpu".to_owned());
    let error = runpod.launch(&order("k3x9")).await.expect_err("no room");
    let hints = error.hints().join("\n");
    assert!(hints.contains("`gharun providers offers gpu`"), "{hints}");
}

#[tokio::test]
async fn jobs_own_what_a_table_mounts_and_get_no_other_right() {
    let account = Account::open();
    let settings =
        json!({ "gpu": "L40S", "run_as": "root", "volume": { "size": 20, "path": "/data" } });
    let user = account.with(settings).job_user();
    assert_eq!((user.run_as, user.is_privileged), (RunAs::Root, false));
    assert_eq!(user.folders, ["/data"]);
    let settings = json!({ "gpu": "L40S", "network_volume": "vol_1" });
    let runpod = account.with(settings);
    assert_eq!(runpod.job_user().folders, ["/workspace"]);
    let remedy = runpod.remedy(BootCause::DiskFull).expect("a setting");
    assert!(remedy.contains("`disk = 40`"), "{remedy}");
    assert_eq!(runpod.remedy(BootCause::Setup), None);
}

#[tokio::test]
async fn a_key_that_may_only_read_is_told_at_the_end_of_a_pod_too() {
    let account = Account::open();
    let runpod = account.with(two());
    let machine = runpod.launch(&order("k3x9")).await.unwrap();
    let reading = account.standin.key_of(gharun_worlds::runpod::Scope::Read);
    let runpod = account.with(json!({ "gpu": TWO, "api_key": reading }));
    runpod.list().await.unwrap();
    let error = runpod.terminate(&machine.id).await.expect_err("it may not");
    assert_eq!(error.kind, ErrorKind::Denied);
    let hints = error.hints().join("\n");
    assert!(
        hints.contains("check the permissions of `api_key`"),
        "{hints}"
    );
    let runpod = account.with(json!({ "gpu": TWO, "api_key": "rpa_gone" }));
    let error = runpod
        .launch(&order("k3x9"))
        .await
        .expect_err("no such key");
    assert!(
        error.hints().join("\n").contains("check `api_key`"),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_can_be_known_is_known_before_anything_is_rented() {
    let account = Account::open();
    account.with(two()).preflight().await.expect("all is well");
    let wrong = account.with(json!({ "gpu": "L40S", "api_key": "rpa_gone" }));
    let error = wrong.preflight().await.expect_err("no such key");
    assert_eq!(error.kind, ErrorKind::Denied, "{}", chain(&error));
    let error = account.with(json!({ "gpu": "B300" })).preflight().await;
    let error = error.expect_err("no such GPU");
    assert_eq!(error.key(), Some("gpu"), "{}", chain(&error));
    // What may be well in a moment is no failure.
    account.standin.stock("*", "*", "*", Level::None, 0);
    account
        .with(two())
        .preflight()
        .await
        .expect("no room is no fault");
    account
        .standin
        .times(u32::MAX, "GET", "/v2/catalog/{kind}", Deed::html(502));
    account
        .with(two())
        .preflight()
        .await
        .expect("nor is a bad minute");
    assert!(account.tried().is_empty());
}

//! What is offered at a place of a line, and that nothing but names is told.

use super::*;

struct Scene(tempfile::TempDir);

impl Scene {
    fn new(file: &str) -> Self {
        let one = Self(tempfile::tempdir().expect("a folder"));
        std::fs::write(one.0.path().join("p.toml"), file).expect("a file");
        let state = include_str!("state.json");
        std::fs::write(one.0.path().join("state.json"), state).expect("a file");
        one
    }

    async fn raw(&self, words: &[&str]) -> String {
        let path = |name: &str| self.0.path().join(name).display().to_string();
        let env = [
            ("GHARUN_CONFIG".to_owned(), path("p.toml")),
            ("GHARUN_STATE".to_owned(), path("state.json")),
        ];
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        run(&words, &env.into_iter().collect()).await
    }

    /// The words that are offered for the last word of a line.
    async fn offers(&self, line: &str) -> Vec<String> {
        let words: Vec<&str> = std::iter::once("fish").chain(line.split(' ')).collect();
        let said = self.raw(&words).await;
        let words = said
            .lines()
            .map(|line| line.split('\t').next().unwrap_or_default().to_owned());
        words.collect()
    }
}

const FILE: &str = "[providers.rack]\nkind = \"local\"\nslots = 2\n[providers.gpu]\nkind = \"local\"\n\
                    env = { TOKEN = \"hidden\" }\n[providers.\"my rack\"]\nkind = \"local\"\n";

#[tokio::test]
async fn names_are_offered_where_they_are_meant() {
    let scene = Scene::new(FILE);
    let starts = |all: &[String], wanted: &[&str]| {
        assert!(
            all.len() >= wanted.len() && all[..wanted.len()] == *wanted,
            "{all:?}"
        );
    };
    starts(&scene.offers("start ").await, &["gpu", "rack"]);
    assert!(scene.offers("start ").await.contains(&"local".to_owned()));
    assert_eq!(scene.offers("start g").await, ["gpu"]);
    assert_eq!(scene.offers("start gpu g").await, [""; 0]);
    assert_eq!(scene.offers("list --provider ra").await, ["rack"]);
    assert_eq!(
        scene.offers("list --provider=ra").await,
        ["--provider=rack"]
    );
    assert_eq!(scene.offers("providers show loc").await, ["local"]);
    assert_eq!(scene.offers("providers check rack g").await, ["gpu"]);
    assert_eq!(scene.offers("workflow g").await, ["gpu"]);
    assert_eq!(
        scene.offers("providers init rac").await,
        [""; 0],
        "a table is not a kind"
    );
    assert_eq!(
        scene.offers("start --registration ").await,
        ["jit", "token"]
    );
    assert_eq!(scene.offers("start --output ").await, ["text", "json"]);
    assert_eq!(scene.offers("start rack --set slo").await, ["slots="]);
    assert_eq!(scene.offers("start --set rack.slo").await, ["rack.slots="]);
    assert_eq!(scene.offers("start --set slots=").await, [""; 0]);
    assert_eq!(
        scene.offers("list --columns runner,ver").await,
        ["runner,verdict"]
    );
    assert_eq!(
        scene.offers("list --columns=pri").await,
        ["--columns=price"]
    );
    assert_eq!(
        scene.offers("list --columns runner,runne").await,
        [""; 0],
        "it stands there already"
    );
    assert_eq!(scene.offers("explain no-way").await, ["no-way-out"]);
    assert_eq!(scene.offers("explain no-way-out no-way").await, [""; 0]);
    assert_eq!(scene.offers("start --setup ").await, [":files"]);
    assert_eq!(scene.offers("start --cou").await, ["--count"]);
    assert_eq!(scene.offers("start --count 1 --cou").await, [""; 0]);
    assert_eq!(scene.offers("sto").await, ["stop"]);
    assert_eq!(scene.offers("--output json pro").await, ["providers"]);
    assert!(
        !scene
            .offers("")
            .await
            .iter()
            .any(|word| word.starts_with("__"))
    );
}

#[cfg(feature = "docker")]
#[tokio::test]
async fn the_values_of_a_setting_that_has_but_some_are_offered() {
    let scene = Scene::new("[providers.box]\nkind = \"docker\"\n");
    let pull = ["always", "missing", "never"];
    let all = |before: &str| pull.map(|value| format!("{before}pull={value}"));
    assert_eq!(scene.offers("start docker --set pull=").await, all(""));
    assert_eq!(scene.offers("start box --set box.pull=").await, all("box."));
    assert_eq!(
        scene.offers("start box --set=pull=n").await,
        ["--set=pull=never"]
    );
    assert_eq!(
        scene.offers("start box --set privileged=t").await,
        ["privileged=true"]
    );
    assert_eq!(scene.offers("start box --set image=").await, [""; 0]);
    // Bash replaces what stands behind the sign.
    let said = scene
        .raw(&["bash", "gharun start box --set pull=al", "\"'><=;|&(:"])
        .await;
    assert_eq!(said, "always");
}

#[tokio::test]
async fn machines_and_runners_of_the_state_file_are_offered_to_a_stop() {
    let scene = Scene::new(FILE);
    let (name, reference) = ("gharun-tpa57i5h6qp1jd", "rack:3fa9c1d2e4b5/slot-1");
    assert_eq!(scene.offers("stop ").await, [name, reference]);
    assert_eq!(scene.offers("stop rack:").await, [reference]);
    assert_eq!(scene.offers("stop --group ").await, ["nightly"]);
    // Bash breaks words at colons, and replaces what stands behind them.
    let said = scene
        .raw(&["bash", "gharun stop rack:3f", "\"'><=;|&(:"])
        .await;
    assert_eq!(said, "3fa9c1d2e4b5/slot-1");
    let said = scene.raw(&["bash", "gharun stop rack:3f", " "]).await;
    assert_eq!(said, reference);
}

#[tokio::test]
async fn on_every_error_it_is_silent_and_values_are_never_told() {
    for file in ["[providers", "providers = 3\n", "[nope]\n", "\u{0}"] {
        let scene = Scene::new(file);
        assert_eq!(scene.offers("start loc").await, ["local"], "{file:?}");
    }
    let scene = Scene::new(FILE);
    std::fs::write(scene.0.path().join("state.json"), "{").expect("a file");
    assert_eq!(scene.offers("stop ").await, [""; 0]);
    for words in [
        &[][..],
        &["bash"],
        &["fish"],
        &["bash", "x"],
        &["zsh", "nope", "--nope", ""],
    ] {
        scene.raw(words).await;
    }
    for line in [
        "start ",
        "start --set ",
        "start --set gpu.env",
        "start --set gpu.env=",
        "providers check ",
    ] {
        assert!(
            !scene.offers(line).await.concat().contains("hidden"),
            "{line}"
        );
    }
}

#[test]
fn a_line_is_split_as_a_shell_splits_it() {
    for (line, words) in [
        ("gharun start ", &["gharun", "start", ""][..]),
        (
            "gharun  'a b' \"c d\"e f\\ g",
            &["gharun", "a b", "c de", "f g"],
        ),
        ("gharun --set 'x=[\"y", &["gharun", "--set", "x=[\"y"]),
        ("", &[""]),
    ] {
        assert_eq!(line::split(line), words, "{line:?}");
    }
}

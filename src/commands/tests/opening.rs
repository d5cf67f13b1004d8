//! A table that cannot be opened is a named source, and keeps nothing else from being worked on.

use super::*;

/// A table that cannot be opened, and what is said of it: the message, and its cause.
struct Broken {
    table: &'static str,
    message: &'static str,
    cause: &'static str,
}

const BROKEN: &[Broken] = &[
    Broken {
        table: "[providers.big]\nkind = \"local\"\ngrace = \"soon\"\n",
        message: "`providers.big.grace` (providers.toml:5) must be a duration",
        cause: "",
    },
    Broken {
        table: "[providers.big]\nkind = \"nowhere\"\n",
        message: "`providers.big.kind` (providers.toml:4) must be the name of a kind, not `nowhere`",
        cause: "",
    },
    Broken {
        table: "[providers.big]\nkind = \"local\"\nslots = 99999999999999999999\n",
        message: "`providers.big.slots` (providers.toml:5) must be an integer from 1 to 65535, not `99999999999999999999`",
        cause: "",
    },
    #[cfg(feature = "runpod")]
    Broken {
        table: "[providers.big]\nkind = \"runpod\"\napi_key = { env = \"PODS_KEY\" }\n",
        message: "could not read `providers.big.api_key` (providers.toml:5)",
        cause: "$PODS_KEY is not set",
    },
    #[cfg(feature = "runpod")]
    Broken {
        table: "[providers.big]\nkind = \"runpod\"\napi_key = { file = \"/nonexistent/key\" }\n",
        message: "could not read `providers.big.api_key` (providers.toml:5)",
        cause: "`/nonexistent/key`: No such file or directory (os error 2)",
    },
    #[cfg(feature = "runpod")]
    Broken {
        table: "[providers.big]\nkind = \"runpod\"\napi_key = { command = [\"false\"] }\n",
        message: "could not read `providers.big.api_key` (providers.toml:5)",
        cause: "the command `false` failed with exit status: 1",
    },
];

impl Broken {
    /// Both, as they are told in one line.
    fn told(&self) -> String {
        match self.cause {
            "" => self.message.to_owned(),
            cause => format!("{}: {cause}", self.message),
        }
    }
}

#[tokio::test]
async fn a_reference_opens_its_own_provider_only() {
    for Broken { table, .. } in BROKEN {
        let world = World::new(table);
        let machine = world.orphan().await;
        let said = world.run(&format!("stop {machine}")).await;
        assert!(!said.exits(Exit::Done).stderr.contains("big"), "{table}");
        assert!(world.cloud.machines().is_empty(), "{table}");
    }
}

#[tokio::test]
async fn a_reference_to_a_provider_that_cannot_be_opened_may_still_be_running() {
    for broken in BROKEN {
        let (table, told) = (broken.table, broken.told());
        let world = World::new(table);
        let machine = world.orphan().await;
        let said = world
            .run(&format!("stop {machine} big:x/y --output json"))
            .await
            .exits(Exit::Left);
        let json = said.json();
        assert_eq!(json["stopped"][0]["instance"], machine.to_string());
        assert_eq!(json["failed"][0]["instance"], "big:x/y");
        let error = json["failed"][0]["error"].as_str().expect("a text");
        assert!(error.contains(&told), "{error}");
        assert!(world.cloud.machines().is_empty(), "{table}");
    }
}

#[tokio::test]
async fn a_mapping_is_worked_on_and_what_cannot_be_searched_is_unknown() {
    for broken in BROKEN {
        let (table, told) = (broken.table, broken.told());
        let world = World::new(table);
        let (machine, also) = (world.orphan().await, world.orphan().await);
        let mapping = format!("{{\"{machine}\":\"gpu\"}}");
        let args = format!("stop --mapping {mapping} --output json");
        let said = world.run(&args).await.exits(Exit::Failed);
        let json = said.json();
        assert_eq!(json["unknown"][0]["source"], "big", "{table}");
        said.says(&told);
        assert!(
            said.stdout.contains(&also.to_string()),
            "it belongs to the same start"
        );
        assert!(world.cloud.machines().is_empty(), "{table}");
    }
}

#[tokio::test]
async fn a_sweep_ends_what_it_can_and_says_where_it_could_not_look() {
    for broken in BROKEN {
        let (table, told) = (broken.table, broken.told());
        let world = World::new(table);
        world.orphan().await;
        let said = world
            .run("stop --orphans --yes --output json")
            .await
            .exits(Exit::Failed);
        let json = said.json();
        assert_eq!(json["stopped"].as_array().map(Vec::len), Some(1), "{table}");
        assert_eq!(json["unknown"][0]["source"], "big");
        said.says("could not read big: ");
        said.says(&told);
        assert!(world.cloud.machines().is_empty(), "{table}");
    }
}

#[tokio::test]
async fn a_list_names_the_source_and_shows_the_others() {
    for broken in BROKEN {
        let (table, told) = (broken.table, broken.told());
        let world = World::new(table);
        let machine = world.orphan().await;
        for args in [
            "list",
            "list --no-github",
            "list --provider gpu --provider big",
        ] {
            let said = world.run(&format!("{args} --output json")).await;
            let said = said.exits(Exit::Failed);
            let json = said.json();
            assert_eq!(json["machines"][0]["instance"], machine.to_string());
            assert_eq!(json["unknown"][0]["source"], "big", "{args}");
            let error = json["unknown"][0]["error"].as_str().expect("a text");
            assert!(error.contains(&told), "{error}");
        }
        world.run("list --provider gpu").await.exits(Exit::Done);
    }
}

#[tokio::test]
async fn a_start_refuses_a_table_that_it_was_told_to_use() {
    for broken in BROKEN {
        let table = broken.table;
        let world = World::new(table);
        for args in ["start big", "start gpu big", "start gpu big --dry-run"] {
            let said = world.run(args).await.exits(Exit::Usage);
            assert_eq!(said.stdout, "", "{args}");
            said.says(broken.message);
            said.says(broken.cause);
        }
        assert!(world.cloud.machines().is_empty(), "{table}");
        assert!(world.github.requests().is_empty(), "{table}");
    }
}

#[tokio::test]
async fn a_record_of_a_provider_that_cannot_be_opened_is_unknown() {
    for Broken { table, .. } in BROKEN {
        let world = World::new(table);
        world.record("big").await;
        let said = world.run("list --output json").await.exits(Exit::Failed);
        let json = said.json();
        assert_eq!(json["machines"][0]["provider"], "big", "{table}");
        assert_eq!(json["machines"][0]["verdict"], "unknown", "{table}");
        let said = world.run("stop --orphans --yes --output json").await;
        assert_eq!(
            said.exits(Exit::Failed).json()["stopped"],
            serde_json::json!([])
        );
    }
}

#[tokio::test]
async fn a_table_with_an_odd_name_is_a_source_that_is_named() {
    for name in ["my gpu", "", "gpu.big"] {
        let table = format!("[providers.\"{name}\"]\nkind = \"local\"\n");
        let world = World::new(table.leak());
        let machine = world.orphan().await;
        let said = world.run("list --output json").await.exits(Exit::Failed);
        assert_eq!(said.json()["machines"][0]["instance"], machine.to_string());
        assert_eq!(said.json()["unknown"][0]["source"], name);
        said.says("(providers.toml:3) cannot be used: the name of a provider must have");
        world
            .run(&format!("stop {machine}"))
            .await
            .exits(Exit::Done);
        assert!(world.cloud.machines().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn all_providers_are_listed_and_what_cannot_be_used_is_told() {
    let world = World::new(
        "[providers.big]\nkind = \"local\"\ngrace = \"soon\"\n[providers.odd]\nkind = \"nowhere\"\n",
    );
    let told = "`providers.big.grace` (providers.toml:5) must be a duration";
    let said = world.run("providers").await.exits(Exit::Failed);
    assert!(said.stdout.contains(told), "{}", said.stdout);
    assert!(said.stdout.contains("gpu"), "{}", said.stdout);
    let said = world.run("providers list --output json").await;
    let json = said.exits(Exit::Failed).json();
    let of = |name: &str| {
        let mut rows = json["providers"].as_array().expect("rows").iter();
        rows.find(|row| row["name"] == name)
            .cloned()
            .expect("a row")
    };
    let error = of("big")["error"].as_str().expect("a text").to_owned();
    assert!(error.starts_with(told), "{error}");
    assert_eq!(of("big")["kind"], "local");
    assert_eq!(of("odd")["kind"], serde_json::Value::Null);
    assert_eq!(of("gpu").get("error"), None);
}

#[tokio::test]
async fn a_named_table_that_cannot_be_used_hides_no_other_from_a_check() {
    for Broken { table, message, .. } in BROKEN {
        let world = World::new(table);
        let said = world.run("providers check gpu big").await;
        let said = said.exits(Exit::Failed);
        assert!(said.stdout.contains("gpu"), "{}", said.stdout);
        assert!(said.stdout.contains(message), "{}", said.stdout);
    }
    let world = World::new("[providers.big]\nkind = \"nope\"\n");
    let said = world.run("providers show big").await.exits(Exit::Usage);
    said.says("`providers.big.kind` (providers.toml:4) must be the name of a kind, not `nope`");
}

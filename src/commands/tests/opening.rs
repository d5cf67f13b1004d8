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
        message: "(providers.toml:5)",
        cause: "",
    },
    Broken {
        table: "[providers.big]\nkind = \"nowhere\"\n",
        message: "providers.toml:4: the kind `nowhere` does not exist",
        cause: "",
    },
    #[cfg(feature = "runpod")]
    Broken {
        table: "[providers.big]\nkind = \"runpod\"\napi_key = { env = \"PODS_KEY\" }\n",
        message: "could not read `api_key` of `big` (providers.toml:5)",
        cause: "$PODS_KEY is not set",
    },
    #[cfg(feature = "runpod")]
    Broken {
        table: "[providers.big]\nkind = \"runpod\"\napi_key = { file = \"/nonexistent/key\" }\n",
        message: "could not read `api_key` of `big` (providers.toml:5)",
        cause: "`/nonexistent/key`: No such file or directory (os error 2)",
    },
    #[cfg(feature = "runpod")]
    Broken {
        table: "[providers.big]\nkind = \"runpod\"\napi_key = { command = [\"false\"] }\n",
        message: "could not read `api_key` of `big` (providers.toml:5)",
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
async fn a_mapping_is_worked_on_and_what_cannot_be_searched_is_said() {
    for broken in BROKEN {
        let (table, told) = (broken.table, broken.told());
        let world = World::new(table);
        let (machine, also) = (world.orphan().await, world.orphan().await);
        let mapping = format!("{{\"{machine}\":\"gpu\"}}");
        let said = world.run(&format!("stop --mapping {mapping}")).await;
        let said = said.exits(Exit::Done);
        said.says("Skipped `big`: ");
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

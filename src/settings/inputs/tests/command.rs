//! What a step does: it is never taken for a start that nobody wrote.

use super::*;
use crate::settings::inputs::table::{Audience, Spelling};

#[test]
fn nothing_but_the_word_and_a_machine_of_the_action_without_one_becomes_a_start() {
    for row in INPUTS {
        let value = match row.name {
            "command" | "mode" => continue,
            "ec2-instance-id" => "i-1",
            _ => "1",
        };
        let decided =
            GivenInputs::read(&env(&[(VARIABLE, &json!({ row.name: value }).to_string())]));
        let command = decided.expect("it is read").command();
        let machine = row.spelling == Spelling::Omsf && matches!(row.becomes, Becomes::Ec2(_));
        match row.audience {
            Audience::Start if machine => {
                assert_eq!(command.unwrap(), StepCommand::Start, "{}", row.name);
            }
            Audience::Stop => assert_eq!(command.unwrap(), StepCommand::Stop, "{}", row.name),
            Audience::Any | Audience::Start => assert!(command.is_err(), "{}", row.name),
        }
    }
}

#[test]
fn what_both_a_start_and_a_stop_have_needs_the_word() {
    insta::assert_snapshot!(error(&json!({ "provider": "aws", "count": "2", "token": "x" })), @"
    the input `provider` does not say what to do
    hint: write `command: start`, or `command: stop` with the `mapping` of the step that started
    ");
    insta::assert_snapshot!(error(&json!({ "label": "gharun-7-1-0-abcdefabcdefgh", "ec2-instance-id": "" })), @"
    the input `label` does not say what to do
    hint: write `command: start`, or `command: stop` with the `mapping` of the step that started
    ");
    insta::assert_snapshot!(error(&json!({ "provider": "aws", "aws_instance_type": "t3.large" })), @"
    the input `provider` does not say what to do
    hint: write `command: start`, or `command: stop` with the `mapping` of the step that started
    ");
    insta::assert_snapshot!(error(&json!({ "ec2-instance-type": "t3.large" })), @"
    the input `ec2-instance-type` does not say what to do
    hint: write `command: start`, or `command: stop` with the `mapping` of the step that started
    ");
    insta::assert_snapshot!(error(&json!({ "lifetime": "3h" })), @"
    the input `lifetime` does not say what to do
    hint: write `command: start`, or `command: stop` with the `mapping` of the step that started
    ");
}

#[test]
fn a_command_that_an_expression_left_empty_is_refused() {
    for (name, other) in [("command", "mode"), ("mode", "command")] {
        for beside in [
            json!({ "aws_instance_type": "t3.large" }),
            json!({ "provider": "aws" }),
            json!({ "mapping": "" }),
            json!({ other: "start" }),
            json!({}),
        ] {
            let mut inputs = beside.clone();
            inputs[name] = " ".into();
            let said = error(&inputs);
            assert!(
                said.starts_with(&format!(
                    "the input `{name}` is empty\nhint: write `{name}: start`"
                )),
                "{inputs}: {said}"
            );
        }
    }
}

#[test]
fn a_step_without_inputs_is_refused() {
    insta::assert_snapshot!(error(&json!({})), @"
    this step does not say what to do
    hint: write `command: start`, or `command: stop` with the `mapping` of the step that started
    ");
    insta::assert_snapshot!(error(&json!({ "token": "x", "repo": "o/n", "version": "1.2.3" })), @"
    this step does not say what to do
    hint: write `command: start`, or `command: stop` with the `mapping` of the step that started
    ");
    insta::assert_snapshot!(error(&json!({ "command": "begin" })), @"the input `command` must be one of `start`, `stop`, `list`, `check`, `install`, not `begin`");
    insta::assert_snapshot!(error(&json!({ "command": "start", "mode": "stop" })), @"
    the inputs `command` and `mode` contradict each other
    hint: leave `mode` out
    ");
}

#[test]
fn a_mapping_that_is_there_is_a_stop_also_when_it_is_empty() {
    for name in ["mapping", "instance_mapping"] {
        for empty in ["", "{}", "  "] {
            let step = decide(&json!({ name: empty, "provider": "aws", "count": "2" }))
                .expect("it is read");
            assert_eq!(step.command, StepCommand::Stop, "{name}: {empty:?}");
            assert_eq!(step.words[1], "stop");
        }
    }
    // What the surroundings say is of another step.
    let around = env(&[("GHARUN_MAPPING", "{\"aws:i-1\": []}")]);
    let step = decide_in(around, &json!({ "mapping": "" })).expect("it is read");
    assert_eq!(step.env.get("GHARUN_MAPPING"), None);
}

//! The program as its users run it: exit code, standard output, standard error.

#[cfg(all(feature = "aws", feature = "nebius"))] // `nebius` brings the parser of YAML
mod action;
#[cfg(feature = "aws")]
mod ambient;
mod answers;
mod app;
#[cfg(feature = "aws")]
mod aws;
mod causes;
mod checks;
#[cfg(all(feature = "aws", feature = "nebius", feature = "runpod"))]
mod clouds;
#[cfg(target_os = "linux")]
mod completion;
mod described;
mod docker;
#[cfg(target_os = "linux")]
mod external;
mod ghes;
mod hostile;
mod hosts;
#[cfg(target_os = "linux")]
mod init;
mod json;
mod killed;
mod life;
mod limits;
mod looks;
#[cfg(feature = "nebius")]
mod nebius;
mod offers;
mod once;
#[cfg(feature = "docker")]
mod podman;
#[cfg(target_os = "linux")]
mod privacy;
#[cfg(feature = "aws")]
mod profiles;
#[cfg(target_os = "linux")] // `setsid` is of util-linux
mod pty;
#[cfg(feature = "docker")]
mod removal;
#[cfg(feature = "runpod")]
mod runpod;
#[cfg(target_os = "linux")]
mod screens;
mod signals;
#[cfg(feature = "ssh")]
mod ssh;
#[cfg(target_os = "linux")]
mod surroundings;
#[cfg(all(target_os = "linux", feature = "docker"))]
mod tables;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "the tests of failures need more of it")]
#[path = "../failures/terminal.rs"]
mod terminal;
mod trust;
mod usage;
#[cfg(feature = "nebius")] // it brings a parser of YAML
mod workflow;
mod world;

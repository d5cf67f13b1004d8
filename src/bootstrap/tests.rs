//! The script, run for real.

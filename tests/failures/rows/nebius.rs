//! How starts and stops on Nebius fail.

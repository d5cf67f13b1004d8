//! How starts and stops on Docker fail.

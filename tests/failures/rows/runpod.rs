//! How starts and stops on RunPod fail.

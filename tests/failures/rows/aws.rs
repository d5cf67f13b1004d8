//! How starts and stops on EC2 fail.

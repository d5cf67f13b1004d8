//! How starts and stops on hosts that are reached by ssh fail.

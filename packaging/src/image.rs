//! Images as OCI archives, byte for byte the same from the same files.

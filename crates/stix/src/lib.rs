//! STIX 2.1 objects behind one module; original bytes kept.

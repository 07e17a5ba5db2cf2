//! Countersign adapter for IBEX (IBEXHub): password flow and OAuth 2 client credentials

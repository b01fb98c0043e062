#!/usr/bin/env node
// Stands where package managers link to at install time, before anything is built.
import "../dist/main.js";

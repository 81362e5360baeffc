/**
 * A release of Go, for what Go changed between the releases that Hubble is built with: v1.16 with Go 1.23, v1.19 with Go
 * 1.26.
 */
export type GoRelease = "go1.23" | "go1.26";

#!/bin/sh
# Writes or reads the vectors with José's `jose` command, jq and openssl (Debian: apt-get install jose jq openssl).
#   sh jose.sh write keyset.json made-by-jose
#   sh jose.sh read  keyset.json made-here      prints what is inside, a line each
set -eu
what=$1 keyset=$2 folder=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
jq .privateJwk "$keyset" > "$work/workspace.jwk"
kid=$(jq -r .keyId "$keyset") ws=$(jq -r .workspaceId "$keyset")

read_vectors() {
  jose jwe dec -i "$folder/parameters.jwe" -k "$work/workspace.jwk" -O -
  echo
  jq -r .wrap "$folder/data-key.json" > "$work/wrap.json"
  jose jwe dec -i "$work/wrap.json" -k "$work/workspace.jwk" -O "$work/secret"
  jq -n --arg k "$(base64 -w0 < "$work/secret" | tr '+/' '-_' | tr -d '=')" '{kty: "oct", $k}' > "$work/data.jwk"
  jose jwe dec -i "$folder/log.jwe" -k "$work/data.jwk" -O -
  echo
}

write_vectors() {
  mkdir -p "$folder"
  # Straight to the public key.
  jq 'del(.d)' "$work/workspace.jwk" > "$work/public.jwk"
  printf '{"station":"Seattle","year":2012}' > "$work/parameters.json"
  jq -n --arg kid "$kid" --arg ws "$ws" '{protected: {alg: "ECDH-ES+A256KW", enc: "A256GCM", typ: "dnb+jwe",
    kind: "parameters", $kid, $ws, dep: "weather/nightly"}}' > "$work/header.json"
  jose jwe enc -c -i "$work/header.json" -k "$work/public.jwk" -I "$work/parameters.json" -o "$folder/parameters.jwe"

  # A data key, wrapped for the workspace key and tagged.
  id=$(cat /proc/sys/kernel/random/uuid)
  openssl rand -out "$work/secret" 32
  jq -n --arg ws "$ws" --arg dk "$id" '{protected: {enc: "A256GCM", typ: "dnb-dek+jwe", $ws, $dk}}' > "$work/header.json"
  jq -n --arg kid "$kid" '{header: {alg: "ECDH-ES+A256KW", $kid}}' > "$work/recipient.json"
  jose jwe enc -i "$work/header.json" -r "$work/recipient.json" -k "$work/public.jwk" -I "$work/secret" -o "$work/flat.json"
  wrap=$(jq -c '{protected, recipients: [{header, encrypted_key}], iv, ciphertext, tag}' "$work/flat.json")
  hash=$(printf %s "$wrap" | openssl dgst -sha256 -binary | base64 -w0 | tr '+/' '-_' | tr -d '=')
  hmac_key=$(jq -r .authKey "$keyset" | tr -- '-_' '+/' | sed 's/$/=/' | base64 -d | od -An -v -tx1 | tr -d ' \n')
  tag=$(printf '["%s","%s","%s"]' "$ws" "$id" "$hash" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$hmac_key" -binary |
    base64 -w0 | tr '+/' '-_' | tr -d '=')
  jq -n --arg id "$id" --arg wrap "$wrap" --arg wrapTag "$tag" '{$id, $wrap, $wrapTag}' > "$folder/data-key.json"

  # A piece of log, sealed with that data key. Not deflated: what José 11 deflates, no library inflates, nor does José itself.
  jq -n --arg k "$(base64 -w0 < "$work/secret" | tr '+/' '-_' | tr -d '=')" '{kty: "oct", $k}' > "$work/data.jwk"
  printf '[{"at":"2026-01-02T03:04:05Z","level":"info","logger":"weather","text":"42 rows read"}]' > "$work/log.json"
  jq -n --arg kid "$id" --arg ws "$ws" '{protected: {alg: "dir", enc: "A256GCM", typ: "dnb+jwe", kind: "log",
    $kid, $ws, run: "0198f2a0-0000-7000-8000-000000000002", epoch: 1, seq: 0}}' > "$work/header.json"
  jose jwe enc -c -i "$work/header.json" -k "$work/data.jwk" -I "$work/log.json" -o "$folder/log.jwe"
}

"${what}_vectors"

#!/bin/sh
# Made the certificates beside it, once; they are valid for 100 years. One key, no secret, is the
# server's and the client's.
set -eu
cd "$(dirname "$0")"
request() { openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 "$@"; }
work=$(mktemp -d)
for root in ca other-ca; do
    request -x509 -days 36500 -subj "/CN=Comptoir's tests, $root" -keyout "$work/$root.key" -out $root.pem \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
done
openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out server.key
# signed NAME SUBJECT EXTENSION
signed() {
    openssl req -new -key server.key -subj "/CN=$2" -out "$work/$1.csr"
    echo "$3" >"$work/$1.ext"
    openssl x509 -req -in "$work/$1.csr" -CA ca.pem -CAkey "$work/ca.key" -CAcreateserial \
        -CAserial "$work/serial" -days 36500 -extfile "$work/$1.ext" -out "$1.pem"
}
signed server localhost subjectAltName=DNS:localhost,IP:127.0.0.1
signed elsewhere elsewhere.example subjectAltName=DNS:elsewhere.example
signed client certified extendedKeyUsage=clientAuth
rm -r "$work"

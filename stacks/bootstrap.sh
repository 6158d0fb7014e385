#!/bin/sh
# Makes what cannot be declared in Pulumi's state: the bucket and the key that hold it, and the first value of
# the secret that no program should see. A person runs it once per environment, with gcloud logged in; run
# again, it changes nothing.
set -eu

if [ $# -ne 3 ]; then
    echo "usage: $0 STACK PROJECT LOCATION      for example: $0 dev data-exposure-dev europe-west1" >&2
    exit 2
fi
stack=$1 project=$2 location=$3
bucket=$project-pulumi-state

# What the program itself needs to be on before it can switch on the rest, and Cloud Run's own identity, which
# another project may have to be granted to.
gcloud services enable cloudresourcemanager.googleapis.com serviceusage.googleapis.com iam.googleapis.com \
    storage.googleapis.com cloudkms.googleapis.com secretmanager.googleapis.com run.googleapis.com \
    --project "$project"
gcloud beta services identity create --service run.googleapis.com --project "$project"

gcloud storage buckets describe "gs://$bucket" --project "$project" >/dev/null 2>&1 ||
    gcloud storage buckets create "gs://$bucket" --project "$project" --location "$location" \
        --uniform-bucket-level-access --public-access-prevention
# Versions are the way back from a state written by mistake.
gcloud storage buckets update "gs://$bucket" --project "$project" --versioning

gcloud kms keyrings describe pulumi --location "$location" --project "$project" >/dev/null 2>&1 ||
    gcloud kms keyrings create pulumi --location "$location" --project "$project"
gcloud kms keys describe state --keyring pulumi --location "$location" --project "$project" >/dev/null 2>&1 ||
    gcloud kms keys create state --keyring pulumi --location "$location" --project "$project" \
        --purpose encryption --rotation-period 90d --next-rotation-time +p90d

# What seals page tokens: the base64 of 32 bytes.
gcloud secrets describe page-token-keys --project "$project" >/dev/null 2>&1 ||
    head -c 32 /dev/urandom | base64 |
    gcloud secrets create page-token-keys --project "$project" \
        --replication-policy user-managed --locations "$location" --data-file=-

key=projects/$project/locations/$location/keyRings/pulumi/cryptoKeys/state
cat <<EOF
project_number: $(gcloud projects describe "$project" --format 'value(projectNumber)')
state_bucket:   $bucket
state_key:      $key

Next:
  gcloud auth application-default set-quota-project $project
  pulumi login gs://$bucket
  pulumi stack init organization/data-exposure-platform/$stack --secrets-provider gcpkms://$key
EOF

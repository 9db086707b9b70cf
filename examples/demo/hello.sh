#!/bin/sh
read -r name
echo "Hello, ${name:-stranger}. Process $$ is at your service."

# Rightful. `make` alone lists what there is.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.1.4
CDK = npx --yes aws-cdk@2.1148.1

# A stage on AWS: make deploy STAGE=prod DOMAIN=privacy.example.com
STAGE   ?= test
DOMAIN  ?= privacy.example.com
ALARMS  ?=
SYSTEMS ?=
ARCH    ?= arm64
CONTEXT ?=
STACKS   = rightful-$(STAGE)-data rightful-$(STAGE)
OPTIONS  = -c stage=$(STAGE) -c domain=$(DOMAIN) -c alarms=$(ALARMS) -c arch=$(ARCH) $(CONTEXT)

FUNCTIONS = $(notdir $(patsubst %/main.go,%,$(wildcard functions/*/main.go)))
# The infrastructure needs Node, and minutes to compile at first: it is for make check.
PACKAGES  = $(shell go list ./... | grep -v /infra/cdk)
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION = 20

.PHONY: help run test check lint race long cloud template vuln bench fuzz build synth diff deploy cost

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run the whole system on this machine: http://127.0.0.1:8080, data in .rightful/.
	go run ./infra/rightful serve

test: ## Run the tests: Go alone, no network, under two minutes.
	go test $(PACKAGES)

check: lint race long cloud template vuln ## Everything else: linters, races, the long tests, DynamoDB Local, the templates.

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt -w on these files"; exit 1; }
	go vet ./...
	go mod tidy -diff
	go run $(STATICCHECK) ./...

race:
	go test -race $(PACKAGES)

long:
	RIGHTFUL_LONG=1 go test -count=1 -timeout 30m -run 'TestKill|TestOracle' -v ./infra/rightful ./shared/asl | grep -vE '^(=== |    --- PASS|--- PASS: TestOracle/)'

# The store's contract, the life scripts, the built functions and the sums on AWS's
# own engine. Needs a Java runtime, and npm to fetch it.
cloud:
	.ci/with-dynamodb go test -count=1 ./shared/dynamo ./functions ./infra/cost
	.ci/with-dynamodb go test -count=1 -run OnDynamoDB ./infra/rightful

# What would be deployed, by our own tests and by three tools that know better.
template: synth
	go test ./infra/cdk
	.ci/lint-templates cdk.out

# The database of known vulnerabilities is asked over the network; where that can't
# be reached, this says so and goes on.
vuln:
	@go run $(GOVULNCHECK) $(PACKAGES) || { status=$$?; if [ $$status -eq 3 ]; then exit 3; fi; echo "SKIPPED: govulncheck could not reach its database (exit $$status)"; }

bench: ## Measure: requests per second, the export, the engine against the disk, cold starts.
	go test -run '^$$' -bench . -benchtime 1x $(PACKAGES)

fuzz: ## Fuzz what parses foreign bytes: ten seconds a target, ten minutes the unsubscribe token.
	@for package in $$(grep -rl 'func Fuzz' --include '*_test.go' . | xargs -n1 dirname | sort -u); do \
		for target in $$(grep -ho 'func Fuzz[A-Za-z0-9_]*' $$package/*_test.go | sed 's/func //'); do \
			time=10s; test $$package/$$target != ./shared/unsubscribe/FuzzOpen || time=10m; \
			echo "$$package $$target $$time"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $$time $$package || exit 1; \
		done; done

build: ## Build the functions for Lambda (ARCH=arm64 or amd64), with the definitions in SYSTEMS.
	@mkdir -p dist/.bin
	CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) go build -tags lambda.norpc -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o dist/.bin/ $(addprefix ./functions/,$(FUNCTIONS))
	@for f in $(FUNCTIONS); do \
		mkdir -p dist/$$f/systems && mv dist/.bin/$$f dist/$$f/bootstrap && rm -f dist/$$f/systems/* && \
		{ test -z "$(SYSTEMS)" || cp $(SYSTEMS)/*.yaml dist/$$f/systems/; } || exit 1; done

synth: build ## Write the CloudFormation templates of a stage to cdk.out; no AWS account is needed.
	$(CDK) synth --quiet $(OPTIONS)

diff: build ## Show what a deployment would change (STAGE, DOMAIN).
	$(CDK) diff $(OPTIONS) $(STACKS)

deploy: build ## Deploy a stage: make deploy STAGE=prod DOMAIN=privacy.example.com ALARMS=you@example.com
	$(CDK) deploy --require-approval broadening $(OPTIONS) $(STACKS)

cost: ## Count what requests cost on AWS and write docs/cost.md.
	.ci/with-dynamodb go run ./infra/cost

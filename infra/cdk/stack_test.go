package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/rightful/rightful/shared/asl"
	"github.com/rightful/rightful/shared/config"
	"github.com/rightful/rightful/shared/dynamo"
	"github.com/rightful/rightful/shared/step"
	"github.com/rightful/rightful/workflows"
)

// object is a part of a template.
type object = map[string]any

type template struct {
	Resources map[string]resource
	Outputs   object
}

type resource struct {
	Type                string
	Properties          object
	DeletionPolicy      string
	UpdateReplacePolicy string
}

// of lists the resources of a type.
func (t template) of(kind string) map[string]resource {
	found := map[string]resource{}
	for name, r := range t.Resources {
		if r.Type == kind {
			found[name] = r
		}
	}
	return found
}

var example = settings{
	Stage: "test", Domain: "privacy.example.com", From: "privacy@privacy.example.com", Company: "Example Company", Contact: "privacy@privacy.example.com",
	Alarms: "ops@example.com", Arch: "arm64", Review: "erasures", TerminationProtection: true,
	ProofLife: 7 * 24 * time.Hour, ExportLife: 14 * 24 * time.Hour, Retention: 730 * 24 * time.Hour, KeysWindow: 3, PerAddress: 5, PerClient: 30, LinkKey: 1, Consent: "eu", EventBus: "default",
}

// synth synthesizes the app once: nothing else here takes time.
var synth = sync.OnceValues(func() (data, stage template) {
	dir := newDist()
	defer os.RemoveAll(dir)
	app := newApp(dir)
	s := example
	s.Dist = filepath.Join(dir, "dist")
	build(app, s)
	audit(app)
	app.Synth(nil)
	read := func(name string) (t template) {
		text, err := os.ReadFile(filepath.Join(dir, "out", name+".template.json"))
		if err == nil {
			err = json.Unmarshal(text, &t)
		}
		if err != nil {
			panic(err)
		}
		return t
	}
	return read("rightful-test-data"), read("rightful-test")
})

// newDist makes a folder of functions that hold nothing: no function is built here.
func newDist() string {
	dir, err := os.MkdirTemp("", "cdk-*")
	if err != nil {
		panic(err)
	}
	mains, err := filepath.Glob("../../functions/*/main.go")
	if err != nil {
		panic(err)
	}
	for _, f := range mains {
		f = filepath.Dir(f)
		to := filepath.Join(dir, "dist", filepath.Base(f))
		if err := os.MkdirAll(to, 0o755); err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(to, "bootstrap"), []byte(filepath.Base(f)), 0o755); err != nil {
			panic(err)
		}
	}
	return dir
}

func newApp(dir string) awscdk.App {
	context := map[string]any{}
	if err := json.Unmarshal(flags, &context); err != nil {
		panic(err)
	}
	return awscdk.NewApp(&awscdk.AppProps{Context: &context, Outdir: jsii.String(filepath.Join(dir, "out"))})
}

func TestMain(m *testing.M) {
	if _, err := exec.LookPath("node"); err != nil {
		fmt.Println("SKIPPED: the CDK needs Node, which isn't here")
		return
	}
	status := m.Run()
	jsii.Close()
	os.Exit(status)
}

func TestMachine(t *testing.T) {
	_, stage := synth()
	states, err := asl.States(workflows.Request)
	if err != nil {
		t.Fatal(err)
	}
	var machine resource
	for _, machine = range stage.of("AWS::StepFunctions::StateMachine") {
	}
	substitutions := machine.Properties["DefinitionSubstitutions"].(object)
	wanted := regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(string(workflows.Request), -1)
	var may string
	for name, p := range stage.of("AWS::IAM::Policy") {
		if strings.HasPrefix(name, "MachineRole") {
			may = fmt.Sprint(p.Properties["PolicyDocument"])
		}
	}
	names := map[string]bool{}
	for _, w := range wanted {
		names[w[1]] = true
		arn, ok := substitutions[w[1]]
		if !ok {
			t.Errorf("${%s} has no substitution", w[1])
			continue
		}
		id := arn.(object)["Fn::GetAtt"].([]any)[0].(string)
		if stage.Resources[id].Type != "AWS::Lambda::Function" || !strings.HasPrefix(id, w[1]) {
			t.Errorf("${%s} is %s", w[1], id)
		}
		if !strings.Contains(may, "["+id+" Arn]") {
			t.Errorf("the machine may not call %s", id)
		}
	}
	if len(names) != len(substitutions) || len(names) < 10 {
		t.Errorf("%d names, %d substitutions", len(names), len(substitutions))
	}
	for _, s := range states {
		if s.Type == "Task" && !names[s.Name] {
			t.Errorf("state %s calls no function of its name", s.Name)
		}
	}
}

// TestLeastPrivilege: no action is a pattern, and no resource is everything where an
// ARN is possible.
func TestLeastPrivilege(t *testing.T) {
	data, stage := synth()
	seen := 0
	for _, in := range []template{data, stage} {
		for name, r := range in.Resources {
			document, ok := r.Properties["PolicyDocument"].(object)
			if !ok {
				continue
			}
			for _, s := range document["Statement"].([]any) {
				statement := s.(object)
				if statement["Effect"] == "Deny" {
					continue
				}
				seen++
				for _, action := range list(statement["Action"]) {
					if strings.Contains(action.(string), "*") {
						t.Errorf("%s: the action %s is a pattern", name, action)
					}
				}
				action := fmt.Sprint(statement["Action"])
				bare := strings.Contains(action, "LogDelivery") || strings.Contains(action, "SuppressedDestination") // have no resources
				for _, on := range list(statement["Resource"]) {
					if on == "*" && !bare {
						t.Errorf("%s: %v on every resource", name, statement["Action"])
					}
				}
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d statements were looked at", seen)
	}
}

func list(v any) []any {
	if all, ok := v.([]any); ok {
		return all
	}
	return []any{v}
}

// TestDataStays: nothing that holds data goes with its stack, or can be deleted by
// a slip, and what has to be recoverable is.
func TestDataStays(t *testing.T) {
	data, stage := synth()
	kept := 0
	for name, r := range data.Resources {
		switch r.Type {
		case "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SES::EmailIdentity":
			kept++
			if r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
				t.Errorf("%s goes with its stack", name)
			}
		}
	}
	if kept != 6 {
		t.Errorf("%d resources hold data", kept)
	}
	for name, r := range data.of("AWS::DynamoDB::Table") {
		p := r.Properties
		if p["DeletionProtectionEnabled"] != true || p["SSESpecification"].(object)["KMSMasterKeyId"] == nil {
			t.Errorf("%s: %v", name, p)
		}
		window := map[bool]float64{true: 3, false: 35}[strings.HasPrefix(name, "Keys")]
		recovery := p["PointInTimeRecoverySpecification"].(object)
		if recovery["PointInTimeRecoveryEnabled"] != true || recovery["RecoveryPeriodInDays"] != window {
			t.Errorf("%s: its backups are %v, want %g days", name, recovery, window)
		}
	}
	for name, r := range data.of("AWS::KMS::Key") {
		if r.Properties["EnableKeyRotation"] != true {
			t.Errorf("%s isn't rotated", name)
		}
	}
	for kind := range map[string]bool{"AWS::DynamoDB::Table": true, "AWS::S3::Bucket": true, "AWS::KMS::Key": true} {
		if found := stage.of(kind); len(found) > 0 {
			t.Errorf("the stack that can be deleted holds %v", found)
		}
	}
}

// TestTables: the tables are what the store declares.
func TestTables(t *testing.T) {
	data, _ := synth()
	for id, schema := range map[string]dynamo.Schema{"Table": dynamo.TableSchema, "Keys": dynamo.KeysSchema} {
		for name, r := range data.of("AWS::DynamoDB::Table") {
			if !strings.HasPrefix(name, id) {
				continue
			}
			indexes, _ := r.Properties["GlobalSecondaryIndexes"].([]any)
			if len(indexes) != len(schema.Indexes) {
				t.Errorf("%s has %d indexes, want %d", name, len(indexes), len(schema.Indexes))
			}
			for i, x := range schema.Indexes {
				got := fmt.Sprint(indexes[i])
				for _, part := range []string{x.Name, x.Partition, x.Sort} {
					if !strings.Contains(got, part) {
						t.Errorf("index %s lacks %s: %s", x.Name, part, got)
					}
				}
			}
		}
	}
}

// TestOperatorRoutes: nobody reaches the operator's function without a signature.
func TestOperatorRoutes(t *testing.T) {
	_, stage := synth()
	signed := 0
	for name, r := range stage.of("AWS::ApiGatewayV2::Route") {
		path, door := r.Properties["RouteKey"].(string), r.Properties["AuthorizationType"]
		target := fmt.Sprint(r.Properties["Target"])
		operator := strings.Contains(path, "/v1/operator/")
		if operator != (door == "AWS_IAM") || operator != strings.Contains(target, "Operator") {
			t.Errorf("%s: %s goes to %s by %v", name, path, target, door)
		}
		if operator {
			signed++
		}
	}
	if signed != 1 {
		t.Errorf("%d routes are signed", signed)
	}
}

// TestEnvironment: a function's environment is its settings struct, nothing more; so
// there is no place for a secret.
func TestEnvironment(t *testing.T) {
	_, stage := synth()
	for folder, settings := range map[string]any{
		"Acknowledge": config.Acknowledge{}, "VerifyIdentity": config.VerifyIdentity{}, "Expire": config.Expire{}, "Decide": config.Decide{},
		"Locate": config.Locate{}, "Review": config.Review{}, "FulfilWave": config.FulfilWave{}, "Bundle": config.Bundle{},
		"Notify": config.Notify{}, "Refuse": config.Refuse{}, "Refer": config.Refer{}, "Withdraw": config.Withdraw{}, "Close": config.Close{},
		"Portal": config.Portal{}, "Operator": config.Operator{}, "Callback": config.Callback{}, "Work": config.Work{}, "MailFeedback": config.MailFeedback{}, "MailReconcile": config.MailReconcile{}, "Sweep": config.Sweep{},
	} {
		f, ok := functionOf(stage, folder)
		if !ok {
			t.Errorf("there is no function %s", folder)
			continue
		}
		variables := f.Properties["Environment"].(object)["Variables"].(object)
		want := config.Env(settings)
		for name := range variables {
			if _, ok := want[name]; !ok {
				t.Errorf("%s gets %s, which it doesn't read", folder, name)
			}
		}
		for name := range want {
			if _, ok := variables[name]; !ok {
				t.Errorf("%s doesn't get %s", folder, name)
			}
		}
	}
	if n := len(stage.of("AWS::Lambda::Function")); n != 20 {
		t.Errorf("%d functions", n)
	}
}

// functionOf finds a function by its construct: its id is that and eight characters.
func functionOf(t template, id string) (resource, bool) {
	for name, r := range t.of("AWS::Lambda::Function") {
		if len(name) == len(id)+8 && strings.HasPrefix(name, id) {
			return r, true
		}
	}
	return resource{}, false
}

// TestGrants: a step's fields are what its role may touch.
func TestGrants(t *testing.T) {
	_, stage := synth()
	needs := map[string][]string{
		"Post": {"ses:SendEmail", "kms:Decrypt"}, "Queue": {"sqs:SendMessage"}, "Outbox": {"states:SendTaskSuccess", "states:SendTaskFailure", "dynamodb:DeleteItem"}, "Vault": {"s3:"},
	}
	for _, s := range []any{
		step.Acknowledge{}, step.VerifyIdentity{}, step.Expire{}, step.Decide{}, step.Locate{}, step.Review{}, step.FulfilWave{},
		step.Bundle{}, step.Notify{}, step.Refuse{}, step.Refer{}, step.Withdraw{}, step.Close{},
	} {
		name := reflect.TypeOf(s).Name()
		var actions []string
		for id, p := range stage.of("AWS::IAM::Policy") {
			if strings.HasPrefix(id, name+"Policy") {
				for _, statement := range p.Properties["PolicyDocument"].(object)["Statement"].([]any) {
					on := fmt.Sprint(statement.(object)["Resource"])
					for _, action := range list(statement.(object)["Action"]) {
						if action == "kms:Decrypt" && !strings.Contains(on, "Master") {
							continue // what lies at rest, by way of its service
						}
						actions = append(actions, action.(string))
					}
				}
			}
		}
		for field, wanted := range needs {
			_, has := reflect.TypeOf(s).FieldByName(field)
			for _, action := range wanted {
				may := slices.ContainsFunc(actions, func(a string) bool { return strings.HasPrefix(a, action) })
				if has && !may {
					t.Errorf("%s has a %s and may not %s", name, field, action)
				}
				if sealedToo := action == "kms:Decrypt" && name == "Bundle"; !has && may && !sealedToo {
					t.Errorf("%s has no %s and may %s", name, field, action)
				}
			}
		}
		if slices.Contains(actions, "kms:Encrypt") && !strings.Contains(fmt.Sprint(actions), "dynamodb") {
			t.Errorf("%s may make master keys", name)
		}
	}
}

// TestRows: every folder of functions is deployed, and no other.
func TestRows(t *testing.T) {
	_, stage := synth()
	folders, err := filepath.Glob("../../functions/*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		f = filepath.Dir(f)
		if _, ok := functionOf(stage, pascal(filepath.Base(f))); !ok {
			t.Errorf("functions/%s is not deployed", filepath.Base(f))
		}
	}
	if len(folders) != len(stage.of("AWS::Lambda::Function")) {
		t.Errorf("%d folders, %d functions", len(folders), len(stage.of("AWS::Lambda::Function")))
	}
}

// TestAuditBites: a bucket that anybody could read fails the synthesis.
func TestAuditBites(t *testing.T) {
	dir := newDist()
	defer os.RemoveAll(dir)
	app := newApp(dir)
	awss3.NewBucket(awscdk.NewStack(app, jsii.String("bare"), nil), jsii.String("Bucket"), nil)
	audit(app)
	defer func() {
		if recover() == nil {
			t.Error("a bare bucket was synthesized")
		}
	}()
	app.Synth(nil)
}

// TestSettings: what can't be meant is refused with the name of the setting.
func TestSettings(t *testing.T) {
	for field, change := range map[string]func(*settings){
		"stage":   func(s *settings) { s.Stage = "Prod!" },
		"domain":  func(s *settings) { s.Domain = "" },
		"from":    func(s *settings) { s.From = "privacy@elsewhere.example" },
		"baseUrl": func(s *settings) { s.BaseURL = "http://privacy.example.com" },
		"arch":    func(s *settings) { s.Arch = "mips" },
		"review":  func(s *settings) { s.Review = "some" },
	} {
		s := example
		change(&s)
		if err := s.check(); err == nil || !strings.Contains(err.Error(), field+":") {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := example.check(); err != nil {
		t.Error(err)
	}
}

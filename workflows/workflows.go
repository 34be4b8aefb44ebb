// Package workflows holds the state machines of Rightful in Amazon States
// Language, JSONata mode. Step Functions runs them in the cloud and asl on one
// machine, from the same text.
package workflows

import _ "embed"

// Request is the life of one request. "${Name}" stands for the function that
// carries out the state Name.
//
//go:embed request.asl.json
var Request []byte

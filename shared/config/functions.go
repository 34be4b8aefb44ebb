package config

import "time"

// Store is where requests lie.
type Store struct {
	Table string `env:"RIGHTFUL_TABLE" help:"the table of requests"`
}

// Sealed is what opens personal fields, mints links and makes look-up hashes.
type Sealed struct {
	Store
	Keys  string `env:"RIGHTFUL_KEYS" help:"the table of wrapped data keys"`
	Key   string `env:"RIGHTFUL_KMS_KEY" help:"the ARN of the KMS key that wraps the master key"`
	Stage string `env:"RIGHTFUL_STAGE" help:"the stage, which the master key is bound to"`
}

// Mail is what a letter needs beside the request.
type Mail struct {
	BaseURL          string        `env:"RIGHTFUL_BASE_URL" help:"the address that links begin with; whoever sets it decides where people's links lead"`
	From             string        `env:"RIGHTFUL_FROM" help:"the address that mails come from"`
	ConfigurationSet string        `env:"RIGHTFUL_CONFIGURATION_SET" help:"the SES configuration set, which reports bounces"`
	Company          string        `env:"RIGHTFUL_COMPANY" help:"the company's name in letters and pages"`
	Contact          string        `env:"RIGHTFUL_CONTACT" help:"where a person finds help"`
	ReferTo          string        `env:"RIGHTFUL_REFER_TO" optional:"true" help:"whose job requests are, where the company is a processor"`
	ProofLife        time.Duration `env:"RIGHTFUL_PROOF_LIFE" help:"how long a proof link works"`
	ExportLife       time.Duration `env:"RIGHTFUL_EXPORT_LIFE" help:"how long an export can be fetched; longer means longer at risk"`
}

// Exports is where exported files lie.
type Exports struct {
	Bucket string `env:"RIGHTFUL_BUCKET" help:"the bucket of exports"`
}

// Workers is the queue of shares.
type Workers struct {
	Queue string `env:"RIGHTFUL_QUEUE" help:"the URL of the queue of shares"`
}

// Secrets is where the systems' secrets lie.
type Secrets struct {
	Secrets string `env:"RIGHTFUL_SECRETS" help:"the path in SSM Parameter Store under which the systems' secrets and variables lie; whoever may write there may send people's data elsewhere"`
}

// Machine is the state machine of requests.
type Machine struct {
	Machine string `env:"RIGHTFUL_STATE_MACHINE" help:"the ARN of the state machine"`
}

// Unsubscribe is which keys unsubscribe links are signed with.
type Unsubscribe struct {
	LinkKey int    `env:"RIGHTFUL_LINK_KEY" help:"the number of the key that signs unsubscribe links; links of the earlier ones still work"`
	Revoked string `env:"RIGHTFUL_LINKS_REVOKED" optional:"true" help:"numbers of keys whose links work no more, with commas"`
}

// Choices is what people can choose to be mailed about.
type Choices struct {
	Topics      string `env:"RIGHTFUL_TOPICS" optional:"true" help:"what people can choose, like product-news=Product news, with commas"`
	Consent     string `env:"RIGHTFUL_CONSENT" help:"whose consent a first marketing mail needs: none, eu or all"`
	DoubleOptIn bool   `env:"RIGHTFUL_DOUBLE_OPT_IN" help:"true where a consent has to be confirmed by a link in a mail"`
}

// One struct for each function, named after its state or its job. A step that ends
// a wait needs no setting for that: a task token names its own state machine.
type (
	Acknowledge struct {
		Sealed
		Mail
	}
	VerifyIdentity struct{ Store }
	Expire         struct {
		Sealed
		Mail
	}
	Decide struct {
		Store
		Processor bool `env:"RIGHTFUL_PROCESSOR" help:"true where the data is another company's and requests are referred to it"`
	}
	Locate struct {
		Store
		Workers
	}
	Review     struct{ Store }
	FulfilWave struct {
		Store
		Workers
		Review string `env:"RIGHTFUL_REVIEW" help:"which plans an operator has to approve: none, erasures or all; none lets a proven request delete by itself"`
	}
	Bundle struct {
		Sealed
		Exports
		Company string `env:"RIGHTFUL_COMPANY" help:"the company's name in the export"`
	}
	Notify struct {
		Sealed
		Mail
	}
	Refuse struct {
		Sealed
		Mail
	}
	Refer struct {
		Sealed
		Mail
	}
	Withdraw struct {
		Sealed
		Mail
		Exports
	}
	Close struct {
		Store
		Retention time.Duration `env:"RIGHTFUL_RETENTION" help:"how long the record outlives the request; longer keeps more about people"`
	}

	Portal struct {
		Sealed
		Mail
		Exports
		Machine
		Unsubscribe
		Choices
		Review     string `env:"RIGHTFUL_REVIEW" help:"which plans an operator has to approve, as the status page says it"`
		PerAddress int    `env:"RIGHTFUL_PER_ADDRESS" help:"requests and re-sends an hour for one address"`
		PerClient  int    `env:"RIGHTFUL_PER_CLIENT" help:"the same for one client"`
	}
	Operator struct {
		Sealed
		Mail
		Workers
		Unsubscribe
		Choices
		PerAddress int `env:"RIGHTFUL_PER_ADDRESS" help:"mails an hour that ask one address for consent"`
	}
	Callback struct {
		Sealed
		Exports
		Secrets
	}
	Work struct {
		Sealed
		Exports
		Secrets
		BaseURL string `env:"RIGHTFUL_BASE_URL" help:"the address that systems answer to later"`
		Private string `env:"RIGHTFUL_ALLOW_PRIVATE" optional:"true" help:"host:port of systems in a private network, with commas; everything else private stays closed"`
	}
	MailFeedback  struct{ Sealed }
	MailReconcile struct{ Sealed }
	Sweep         struct {
		Store
		Keys string `env:"RIGHTFUL_KEYS" help:"the table of wrapped data keys, which are destroyed after the retention"`
		Workers
		Exports
		Machine
		ExportLife time.Duration `env:"RIGHTFUL_EXPORT_LIFE" help:"how long an export can be fetched"`
		Bus        string        `env:"RIGHTFUL_EVENT_BUS" help:"the EventBridge bus that gets preference.changed"`
	}
)

# The hook for PowerShell 7 and Windows PowerShell 5.1. The line before this file sets
# $__leapp_program.
#
# What runs at a prompt where nothing has changed calls methods of .NET alone: no cmdlet, no process.
# Going back is PowerShell alone too. Switching on asks the program, `leapp hook-env`, whose answer is
# data and not script: evaluated text is shown by Set-PSDebug -Trace and kept by script block logging.
#
# The program is deliberately not wrapped by a function: a function in front of a program loses $?,
# the first `--` and arguments with commas. `use` and `off` are Enter-LeappSession (leapp-use) and
# Exit-LeappSession (leapp-off), and facts for the doctor come by Test-LeappHook (leapp-doctor).

if ($env:LEAPP_HOOK -cne '0' -and -not $env:VSCODE_RESOLVING_ENVIRONMENT -and -not $env:INTELLIJ_ENVIRONMENT_READER) {
    if (Get-Module -Name leapp-hook) { Remove-Module -Name leapp-hook -Force -ErrorAction Ignore }

    New-Module -Name leapp-hook -ArgumentList $__leapp_program -ScriptBlock {
        param([string] $Program)
        Set-StrictMode -Version Latest
        # A module's function sees the user's global preferences unless the module has its own.
        $ErrorActionPreference = 'Continue'
        $PSNativeCommandUseErrorActionPreference = $false
        $WarningPreference = 'Continue'
        $ProgressPreference = 'SilentlyContinue'

        # Every variable that a session may touch: what says whose it is first, the key id last.
        $Names = @(
            'LEAPP_SESSION', 'LEAPP_STATE',
            'AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_SECURITY_TOKEN', 'AWS_SESSION_EXPIRATION',
            'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI',
            'AWS_CONTAINER_AUTHORIZATION_TOKEN', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
            'AWS_CONTAINER_TOKEN_ENDPOINT', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN',
            'AWS_ROLE_SESSION_NAME', 'AWS_VAULT', 'AWSUME_PROFILE', 'AWS_SSO_PROFILE',
            'AWS_ENDPOINT_URL',
            'AWS_ACCOUNT_ID', 'AWS_REGION', 'AWS_DEFAULT_REGION',
            'AWS_CREDENTIAL_EXPIRATION', 'AWS_SESSION_TOKEN', 'AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID'
        )
        # Those that are credentials only together, and what says whose they are.
        $Group = @('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_CREDENTIAL_EXPIRATION', 'LEAPP_SESSION', 'LEAPP_STATE')

        $Armed = $false       # true from the first prompt on: `pwsh -Command` and probes never get there
        $Path = ''            # the location that was handled last; '' looks again
        $Ticks = [long] 0     # the project file's time when the program read it, in .NET ticks
        $Since = [long] 0     # the clock when asked, in .NET ticks (UTC): it never goes back by itself
        $Until = [long] 0     # when to ask again
        $Saved = @{}          # name -> value before us ($null: was unset)
        $Given = @{}          # name -> value that we gave, secrets not kept
        $Due = @{}            # name -> what it was before us, what we gave, what another tool made of it
        $Dues = @()           # our key ids of then
        $By = ''              # what direnv and mise had noted then
        $Back = $false        # whether such a key id came back
        $Half = 0             # 1: a change was begun and not ended; 2: going back was
        $Warned = $false
        $Gone = $false
        $Removed = $false     # a prompt of another tool's may still hold ours, when a new hook has been loaded
        $Inherited = $false   # an outer shell's session, about which the program has not been asked yet
        # What the program answered: w owner, a file, c the same relative, l lease, t seconds until to
        # ask again, h for this directory alone, k key id, i identity, r region, n lines, q said
        $State = @{ w = ''; a = ''; c = ''; l = ''; t = ''; h = ''; k = ''; i = ''; r = ''; n = ''; q = ''; ticks = '0' }
        # A project's environment must not point elsewhere: these are as they were at loading.
        $Kept = @{}
        foreach ($name in 'HOME', 'LEAPP_HOME', 'XDG_RUNTIME_DIR', 'LEAPP_VAULT') {
            $Kept[$name] = [Environment]::GetEnvironmentVariable($name)
        }
        $IsWindowsHere = [IO.Path]::DirectorySeparatorChar -eq '\'
        $Sudo = -not $IsWindowsHere -and $env:SUDO_UID -and [Environment]::UserName -ceq 'root'

        # For prompts: $leapp_session, $leapp_warning.
        $global:leapp_session = ''
        $global:leapp_warning = ''

        function Get-Value([string] $Name) { [Environment]::GetEnvironmentVariable($Name) }

        function Set-Value([string] $Name, $Value) {
            # $null passed to a [string] parameter becomes '', which since .NET 9 defines an empty
            # variable.
            if ($null -eq $Value) { $Value = [NullString]::Value }
            [Environment]::SetEnvironmentVariable($Name, $Value)
        }

        function ConvertFrom-Word([string] $Word) {
            [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($Word))
        }

        function Write-Line([string] $Text) { [Console]::Error.WriteLine($Text) }

        # Whether what is on is what the hook put there. The key id alone says so: what a state says,
        # anybody may have written.
        function Test-Ours { (Get-Value 'AWS_ACCESS_KEY_ID') -ceq $State.k }

        # Whether nobody has put other keys in the place of ours.
        function Test-Undisputed { -not $State.k -or (Test-Ours) }

        # Other keys than ours are on: nothing says any more that our session is. What was saved is
        # kept, should ours return.
        function Stop-Ownership([bool] $Said) {
            if ($Said -and $env:AWS_ACCESS_KEY_ID -and -not "$env:LEAPP_STATE".StartsWith('1;e;')) {
                Write-Line "leapp: other credentials have replaced those of '$(Get-SessionName)', so it is given up here"
            }
            $State.w = 'g'
            Move-Saved
            $global:leapp_session = ''
            $global:leapp_warning = ''
        }

        # The user may have removed it.
        function Get-SessionName { [string] (Get-Variable -Name leapp_session -Scope Global -ValueOnly -ErrorAction Ignore) }

        # Whether it is not yet time to ask again.
        function Test-Time {
            $now = [DateTime]::UtcNow.Ticks
            $now -lt $Until -and $now -ge $Since
        }

        # Whether the answer for a project file still holds.
        function Test-Lease {
            # The lease `/` is that of an answer which could not be had: only its time counts.
            (Test-Time) -and
            ($State.l -ceq '/' -or
                ([IO.File]::Exists($State.l + '.hi') -and [IO.File]::GetLastWriteTimeUtc($State.a).Ticks -eq $Ticks))
        }

        function Test-UseLease {
            (Test-Time) -and
            ($State.l -ceq '/' -or [IO.File]::Exists($State.l + '.hi'))
        }

        # The nearest project file's path; '' when there is none; $null when only the program can tell
        # (a link on the way: `..` of the kernel is not `..` of the string). Whose the directories are
        # cannot be told cheaply here: the climb stops below the home directory, and the program, which
        # looks at owners, decides.
        function Find-ProjectFile {
            $directory = $PWD.ProviderPath
            $levels = 0
            while ($directory -and $directory -cne $HOME -and $levels -lt 64) {
                $levels++
                if (-not [IO.Directory]::Exists($directory)) { return '' }
                if ([IO.File]::GetAttributes($directory) -band [IO.FileAttributes]::ReparsePoint) { return $null }
                foreach ($name in '.leapp.local.toml', '.leapp.toml') {
                    $file = [IO.Path]::Combine($directory, $name)
                    if ([IO.File]::Exists($file)) { return $file }
                }
                $git = [IO.Path]::Combine($directory, '.git')
                if ([IO.Directory]::Exists($git) -or [IO.File]::Exists($git)) { return '' }
                $directory = [IO.Path]::GetDirectoryName($directory)
            }
            ''
        }

        # Keeps what is there.
        function Save-Environment {
            $Saved.Clear(); $Given.Clear()
            foreach ($name in $Names) { $Saved[$name] = Get-Value $name }
        }

        # Goes back. What the user has changed stays as it is, and where the key id is not ours any more
        # so does everything but our markers. After a change that was cut short all goes back.
        function Restore-Environment {
            if (-not $Half) {
                if (-not $State.k) { Clear-Saved; return }
                if (-not (Test-Ours)) {
                    if (-not "$env:LEAPP_STATE".StartsWith('1;e;')) {
                        foreach ($name in $Names) { Add-Due $name }
                    }
                    Move-Saved
                    Clear-Saved
                    return
                }
            }
            $all = $Half -eq 1
            if (-not $all) { $script:Half = 2 }
            Set-Value 'AWS_ACCESS_KEY_ID' $null
            foreach ($name in $Names) {
                if (-not $Saved.ContainsKey($name)) { continue }
                if (-not $all -and -not ($Group -ccontains $name)) {
                    $gave = if ($Given.ContainsKey($name)) { $Given[$name] } else { $null }
                    if ((Get-Value $name) -cne $gave) {
                        if ($env:DIRENV_DIFF -or $env:__MISE_DIFF) { Add-Due $name }
                        continue
                    }
                }
                Set-Value $name $Saved[$name]
            }
            Clear-Saved
        }

        # Another key id is there. If `leapp env` put it there, going back from that is its own affair,
        # and what we saved is what it needs for that.
        function Move-Saved {
            if ("$env:LEAPP_STATE".StartsWith('1;e;')) {
                if ($null -eq (Get-Variable -Name __leapp_o -Scope Global -ValueOnly -ErrorAction Ignore)) {
                    $global:__leapp_o = $Saved.Clone()
                }
            } else {
                foreach ($name in 'LEAPP_SESSION', 'LEAPP_STATE') { Set-Value $name $null }
                # Without a key id, the rest is what is left of ours.
                if (-not $env:AWS_ACCESS_KEY_ID) {
                    foreach ($name in 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_CREDENTIAL_EXPIRATION') { Set-Value $name $null }
                }
            }
        }

        # direnv and its like keep what was there before them and put it back when they go. If that was
        # ours, and we have gone before them, it would come back to where it must not be, and what was
        # there before us would be lost. So we remember what they had changed, and settle it when they
        # have gone.
        function Add-Due([string] $Name) {
            if (-not ($Dues -ccontains $State.k)) { $script:Dues += $State.k }
            if ($Due.ContainsKey($Name) -or -not $Saved.ContainsKey($Name)) { return }
            if ($Name -ceq 'AWS_ENDPOINT_URL' -and -not $Given.ContainsKey($Name)) { return } # few touch it
            $script:By = Get-Noted
            $before = if ($Saved.ContainsKey($Name)) { $Saved[$Name] } else { $null }
            # What was there before us may have been that tool's already, which knows where it belongs.
            $key = if ($Group -ccontains $Name) { 'AWS_ACCESS_KEY_ID' } else { $Name }
            if ($Saved[$key] -ceq (Get-Value $key)) { $before = $null }
            $gave = if ($Given.ContainsKey($Name)) { $Given[$Name] } else { $null }
            $Due[$Name] = @{ before = $before; gave = $gave; left = (Get-Value $Name) }
        }

        function Get-Noted { "$env:DIRENV_DIFF|$env:__MISE_DIFF" }

        # Whether another tool has acted since: it has put a key id of ours back, or noted something else.
        function Test-CameBack {
            if ($env:AWS_ACCESS_KEY_ID -and $Dues -ccontains $env:AWS_ACCESS_KEY_ID -and -not (Test-Ours) -and
                "$env:LEAPP_STATE" -cnotmatch "^1;[ex];.*;$([regex]::Escape($env:AWS_ACCESS_KEY_ID));") {
                $script:Back = $true
            }
            # A tool that had noted nothing when we left keeps nothing of ours.
            $Back -or ($By -cne '|' -and $By -cne (Get-Noted))
        }

        function Complete-Due {
            $on = @('d', 'u') -ccontains $State.w -and $State.k
            $redo = $Back
            $keyBefore = if ($Due.ContainsKey('AWS_ACCESS_KEY_ID')) { $Due['AWS_ACCESS_KEY_ID'].before } else { $null }
            if ($Back) { Set-Value 'AWS_ACCESS_KEY_ID' $null }
            foreach ($name in $Names) {
                if (-not $Due.ContainsKey($name)) { continue }
                $owed = $Due[$name]
                # What was kept on entering the present project was the other tool's, and is past.
                if ($on -and $Saved.ContainsKey($name) -and $Saved[$name] -ceq $owed.left) {
                    $Saved[$name] = $owed.before
                    $redo = $true
                }
                # The credentials are what we gave if their key id is; and where that is what it was
                # before us, all that is left of ours goes.
                $settled = if ($Group -ccontains $name) {
                    $Back -or (-not $on -and (Get-Value 'AWS_ACCESS_KEY_ID') -ceq $keyBefore)
                } else { (Get-Value $name) -ceq $owed.gave }
                if (-not $settled) { continue }
                $redo = $true
                if (-not $on) { Set-Value $name $owed.before }
                $Due.Remove($name)
            }
            # What is on now is put there once more, over what came back; and as originals the state gets
            # those that are true now, which `.` asks for.
            if ($on -and $redo) {
                $script:Until = [long] 0
                foreach ($name in 'AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_REGION', 'AWS_DEFAULT_REGION') {
                    if ($Saved.ContainsKey($name)) { Set-Value $name $Saved[$name] }
                }
                if ($Given.ContainsKey('LEAPP_STATE')) {
                    $Given['LEAPP_STATE'] = $Given['LEAPP_STATE'] -creplace '[^;]*(,[^,;]*)$', '.,.,.,.$1'
                    Set-Value 'LEAPP_STATE' $Given['LEAPP_STATE']
                }
                if ($Back) { Set-Value 'AWS_ACCESS_KEY_ID' $State.k }
            }
            $script:Back = $false
            $script:By = Get-Noted
        }

        function Clear-Saved {
            $Saved.Clear(); $Given.Clear()
            $script:Half = 0
            foreach ($letter in 'k', 'i', 'r') { $State[$letter] = '' }
            $global:leapp_session = ''
            $global:leapp_warning = ''
        }

        # Starts the program with the variables of the time of loading, and gives back its lines and
        # its status. Nothing of what it prints is evaluated.
        function Invoke-Program([string[]] $Words) {
            $now = @{}
            foreach ($name in @($Kept.Keys)) { $now[$name] = Get-Value $name; Set-Value $name $Kept[$name] }
            try {
                $lines = @(& $Program @Words)
                $status = $LASTEXITCODE
            } finally {
                foreach ($name in @($now.Keys)) { Set-Value $name $now[$name] }
            }
            , @($status, $lines)
        }

        # Takes an answer, whole or not at all: a last line `ok` says that it is whole. Tells the
        # program's status; 0 only if the answer was taken.
        function Receive-Answer([string[]] $Words) {
            $answer = Invoke-Program $Words
            $status = $answer[0]
            $lines = $answer[1]
            if ($status -ne 0) { return $status }
            if ($lines.Count -eq 0 -or $lines[-1] -cne 'ok') { return 1 }
            $lines | & { process {
                $word = $_.Split(' ')
                switch -CaseSensitive ($word[0]) {
                    'save' { Save-Environment; $script:Half = 1 }
                    'adopt' {
                        $script:Half = 1
                        $Saved[$word[1]] = if ($word[2] -ceq '-') { $null } else { ConvertFrom-Word $word[2] }
                    }
                    'back' { Restore-Environment }
                    'unset' { $script:Half = 1; [void] $Given.Remove($word[1]); Set-Value $word[1] $null }
                    'set' {
                        $script:Half = 1
                        $Given[$word[1]] = ConvertFrom-Word $word[2]
                        [Environment]::SetEnvironmentVariable($word[1], (ConvertFrom-Word $word[2]))
                    }
                    'secret' { [Environment]::SetEnvironmentVariable($word[1], (ConvertFrom-Word $word[2])) }
                    'local' { $State[$word[1]] = ConvertFrom-Word $word[2] }
                    'show' { Set-Variable -Name $word[1] -Scope Global -Value (ConvertFrom-Word $word[2]) }
                }
            } }
            $script:Half = 0
            $script:Ticks = [long] $State.ticks
            Set-Deadline $State.t
            if ($State.n) { Write-Line $State.n }
            $script:Warned = $false
            0
        }

        function Set-Deadline([string] $Seconds) {
            if ($Seconds -ceq 'keep') { return }
            $script:Since = [DateTime]::UtcNow.Ticks
            $script:Until = if ($Seconds) {
                [DateTime]::UtcNow.Ticks + [long] $Seconds * 10000000
            } else { [long]::MaxValue }
        }

        # Asks what the directory switches on. Tells whether the directory is handled.
        function Request-Answer([string[]] $Words) {
            $status = 127
            if (Test-Program) {
                $status = Receive-Answer (@('hook-env', 'powershell', "--said=$($State.q)") + $Words)
            }
            if ($status -eq 0) { $script:Inherited = $false; return $true }
            Close-Environment
            # 130: interrupted, so that the next prompt tries again.
            $status -ne 130
        }

        # Whether a link stands on the way to a directory: then its path does not tell what is below it.
        function Test-Linked([string] $Directory) {
            while ($Directory) {
                if (-not [IO.Directory]::Exists($Directory)) { return $true }
                if ([IO.File]::GetAttributes($Directory) -band [IO.FileAttributes]::ReparsePoint) { return $true }
                $Directory = [IO.Path]::GetDirectoryName($Directory)
            }
            $false
        }

        # Whether the program is there. A new one is taken from PATH only by an absolute path that is not
        # below the current directory.
        function Test-Program {
            if ([IO.File]::Exists($Program)) { return $true }
            $found = Get-Command -Name leapp -CommandType Application -ErrorAction Ignore | Select-Object -First 1
            if ($found -and [IO.Path]::IsPathRooted($found.Source) -and
                -not $found.Source.StartsWith($PWD.ProviderPath + [IO.Path]::DirectorySeparatorChar) -and
                -not (Test-Linked ([IO.Path]::GetDirectoryName($found.Source))) -and -not (Test-Linked $PWD.ProviderPath)) {
                $script:Program = $found.Source
                return $true
            }
            if (-not $Gone) {
                $script:Gone = $true
                Write-Line "leapp: '$Program' is gone, so directories switch nothing on; install leapp, then start a new shell"
            }
            $false
        }

        # Without an answer, what is on must not stay on and must not give way to other credentials: keys
        # that cannot work take its place. Where nothing was on, nothing changes.
        function Close-Environment {
            if ($Half) { Restore-Environment; $State.w = '' }
            if (@('d', 'u') -ccontains $State.w) {
                if ($State.k -and $State.k -cne 'LEAPP-EXPIRED' -and (Test-Ours)) {
                    Set-Value 'AWS_ACCESS_KEY_ID' 'LEAPP-EXPIRED'
                    Set-Value 'AWS_SECRET_ACCESS_KEY' 'LEAPP-EXPIRED'
                    Set-Value 'AWS_SESSION_TOKEN' 'LEAPP-EXPIRED'
                    Set-Value 'AWS_CREDENTIAL_EXPIRATION' '1970-01-01T00:00:00Z'
                    Set-Value 'LEAPP_STATE' ("$env:LEAPP_STATE".Replace(";$($State.k);", ';LEAPP-EXPIRED;'))
                    $Given['LEAPP_STATE'] = Get-Value 'LEAPP_STATE'
                    $State.k = 'LEAPP-EXPIRED'
                    $global:leapp_warning = 'expired'
                }
            } elseif ($State.w -ceq '') { $State.w = 'd'; $State.a = '' }
            # Ask again in ten seconds, and in every other directory.
            $State.l = '/'
            Set-Deadline '10'
        }

        function Exit-Project {
            $name = if (Test-Ours) { Get-SessionName } else { '' }
            Restore-Environment
            foreach ($letter in 'w', 'a', 'c', 'l', 'h') { $State[$letter] = '' }
            if ($name) { Write-Line "leapp: $name is off" }
        }

        function Update-Use {
            if (Test-UseLease) { return $true }
            # The answer speaks of no project: the one that is held back from stays the same.
            $project = $State.a
            $handled = Request-Answer @('--held', "--keep=$($State.i)", "--region=$($State.r)")
            $State.a = $project
            $handled
        }

        # The name that the environment gives, for a prompt or a line: whatever it holds, nothing moves
        # the cursor or is taken for more than a name.
        function Get-OuterName {
            $name = "$env:LEAPP_SESSION"
            if ($name -cmatch '[^A-Za-z0-9._-]') { 'unknown' } else { $name }
        }

        # In a shell that was started inside a session: until the program has said what to do about it,
        # what is there counts as ours, so that it can be closed.
        function Enter-Inherited {
            if ($env:AWS_ACCESS_KEY_ID -and "$env:LEAPP_STATE".Contains(";$env:AWS_ACCESS_KEY_ID;")) {
                $State.w = 'd'
                $State.k = $env:AWS_ACCESS_KEY_ID
                foreach ($name in 'LEAPP_STATE', 'LEAPP_SESSION', 'AWS_REGION', 'AWS_DEFAULT_REGION') {
                    $Given[$name] = Get-Value $name
                    $Saved[$name] = $null
                }
                foreach ($name in $Group) { $Saved[$name] = $null }
                $global:leapp_session = Get-OuterName
            } else {
                # An outer hook's word on keys that are gone.
                foreach ($marker in 'LEAPP_SESSION', 'LEAPP_STATE') { Set-Value $marker $null }
            }
            $handled = Request-Answer @()
            if (-not $Inherited -and $State.w -ceq 'u') { Set-Project }
            $handled
        }

        # Tells whether the directory is handled.
        function Update-Directory {
            if ($Half) { Restore-Environment; $State.w = '' }
            if (-not $Armed) {
                $script:Armed = $true
                $inherited = "$env:LEAPP_STATE"
                if ($inherited.StartsWith('1;x;') -and $env:AWS_ACCESS_KEY_ID -and $inherited.Contains(";$env:AWS_ACCESS_KEY_ID;")) {
                    $State.w = 'x'
                } elseif ($inherited.StartsWith('1;d;') -or $inherited.StartsWith('1;u;')) {
                    $script:Inherited = $true
                }
                # Who became somebody else by sudo did not ask for directories.
                if ($Sudo) { $State.w = 'x'; $script:Inherited = $false }
            }
            if ($Inherited) { return Enter-Inherited }
            if ($State.w -ceq 'x') { return $true }
            if ($Due.Count -and (Test-CameBack)) { Complete-Due }
            $file = if ($PWD.Provider.Name -ceq 'FileSystem') { Find-ProjectFile } else { '' }
            if ($State.w -ceq 'g' -and $State.k -and (Test-Ours)) {
                # Who had replaced our keys has put them back. It is time to ask the program.
                $script:Until = [long] 0
                $State.w = if ($Given.ContainsKey('LEAPP_STATE') -and $Given['LEAPP_STATE'].StartsWith('1;u;')) { 'u' } else { 'd' }
            }
            if (@('d', 'u') -ccontains $State.w -and $State.k) {
                if (-not (Test-Ours)) { Stop-Ownership ($file -cne '' -or $State.w -ceq 'u') }
                elseif ($Given.ContainsKey('LEAPP_STATE') -and "$env:LEAPP_STATE" -cne $Given['LEAPP_STATE']) {
                    # Our own word on what is on; nobody else has a say in it.
                    Set-Value 'LEAPP_SESSION' (Get-SessionName)
                    Set-Value 'LEAPP_STATE' $Given['LEAPP_STATE']
                }
            }
            if ($file -ceq '') {
                switch -CaseSensitive ($State.w) {
                    'd' { Exit-Project; return $true }
                    'g' { if ($State.a) { Exit-Project }; return $true }
                    'u' { $State.a = ''; $State.c = ''; return Update-Use }
                    default { $State.a = ''; $State.c = ''; return $true }
                }
            }
            if ($null -ne $file -and $State.a -and $file -ceq $State.a) {
                switch -CaseSensitive ($State.w) {
                    'd' {
                        if (-not $State.h -and (Test-Lease)) { return $true }
                        return Request-Answer @('--held')
                    }
                    'u' { return Update-Use }
                    default { return $true }
                }
            }
            # Where a link is on the way it cannot be told whether this is another project: given up stays so.
            if ($null -eq $file -and $State.w -ceq 'g') { return $true }
            # Through a link the program finds the file; that it is the same one as before, it tells.
            if ($null -ne $file -and @('d', 'g') -ccontains $State.w) { Exit-Project }
            switch -CaseSensitive ($State.w) {
                'u' { return Request-Answer @('--held', '--hold=u') }
                'o' { return Request-Answer @('--hold=o') }
                'd' { return Request-Answer @('--held') }
                default { return Request-Answer @() }
            }
        }

        # What runs at each prompt and after each change of the location.
        function Invoke-Check([bool] $Moved) {
            $here = $PWD.ProviderPath
            if (-not $Moved -and $here -ceq $Path -and -not ($Due.Count -and (Test-CameBack))) {
                switch -CaseSensitive ($State.w) {
                    'd' { if ((Test-Undisputed) -and (Test-Lease)) { Show-Contradiction; return } }
                    'u' { if ((Test-Undisputed) -and (Test-UseLease)) { Show-Contradiction; return } }
                    'o' { return }
                    'x' { return }
                    'g' { if (-not (Test-Ours)) { return } }
                    default {
                        if (-not [IO.File]::Exists([IO.Path]::Combine($here, '.leapp.local.toml')) -and
                            -not [IO.File]::Exists([IO.Path]::Combine($here, '.leapp.toml'))) { return }
                    }
                }
            }
            $code = Get-Variable -Name LASTEXITCODE -Scope Global -ValueOnly -ErrorAction Ignore
            $script:Path = ''
            try {
                if (Update-Directory) { $script:Path = $here }
            } catch {
                Close-Environment
                Write-Line "leapp: the hook failed: $($_.Exception.Message)"
            } finally { $global:LASTEXITCODE = $code }
        }

        # A profile that came after us: some programs prefer it to the session's keys.
        function Show-Contradiction {
            if ($State.k -and -not $Warned -and ($env:AWS_PROFILE -or $env:AWS_DEFAULT_PROFILE)) {
                $script:Warned = $true
                Write-Line "leapp: a profile (AWS_PROFILE) was set beside session '$(Get-SessionName)', and some programs prefer it: Remove-Item Env:AWS_PROFILE"
            }
        }

        # After another tool's part of the prompt, which may have changed what we gave. No file is looked at.
        function Invoke-Beside {
            if ($Due.Count -and (Test-CameBack)) { Invoke-Check $false }
            elseif ($State.k) {
                if (Test-Ours) { Show-Contradiction }
                elseif (@('d', 'u') -ccontains $State.w) { Invoke-Check $false }
            }
        }

        $InnerPrompt = ${function:global:prompt}
        $OnPrompt = {
            $succeeded = $?
            if (-not $Removed) { Invoke-Check $false }
            # $? cannot be assigned: this sets it for the inner prompt, and adds nothing to $Error.
            if ($succeeded) { $null = $true } else { Write-Error -Message x -ErrorAction Ignore }
            & $InnerPrompt
            if (-not $Removed) { Invoke-Beside }
        }
        ${function:global:prompt} = $OnPrompt

        $Engine = $ExecutionContext.SessionState.InvokeCommand
        $OnLocation = $null
        if ($Engine.PSObject.Properties['LocationChangedAction']) { # not in Windows PowerShell 5.1: there the prompt alone
            $OnLocation = [EventHandler[System.Management.Automation.LocationChangedEventArgs]] {
                if ($Armed) { Invoke-Check $true }
            }
            $Engine.LocationChangedAction = [Delegate]::Combine($Engine.LocationChangedAction, $OnLocation)
        }

        $ExecutionContext.SessionState.Module.OnRemove = {
            Restore-Environment
            $script:Removed = $true
            if ($null -ne $OnLocation) {
                $Engine.LocationChangedAction = [Delegate]::Remove($Engine.LocationChangedAction, $OnLocation)
            }
            if ("${function:global:prompt}" -ceq "$OnPrompt") { ${function:global:prompt} = $InnerPrompt }
            Remove-Variable -Name @('leapp_session', 'leapp_warning') -Scope Global -ErrorAction Ignore
        }

        # The project that is here now is held back from.
        function Set-Here {
            Set-Project
            $script:Path = $PWD.ProviderPath
        }

        function Set-Project {
            $State.a = ''
            if ($PWD.Provider.Name -ceq 'FileSystem') { $State.a = [string] (Find-ProjectFile) }
        }

        # Makes $? false for the caller, so that && and || see the failure; the program has said why.
        function Get-Failure([string] $What) {
            [System.Management.Automation.ErrorRecord]::new([Exception]::new($What), 'Leapp', 'NotSpecified', $null)
        }

        <#
        .SYNOPSIS
        Switches a session on in this shell.
        #>
        function Enter-LeappSession {
            # Named here, because -d alone would be the beginning of -Debug.
            [CmdletBinding(PositionalBinding = $false)]
            param(
                [Parameter(Position = 0)] [string] $Name,
                [Alias('r')] [string] $Region,
                [Alias('d')] [string] $Duration,
                [string] $MinTtl,
                [string] $MfaCode,
                [Parameter(ValueFromRemainingArguments)] [string[]] $Arguments
            )
            $words = @()
            if ($Name) { $words += $Name }
            if ($Region) { $words += "--region=$Region" }
            if ($Duration) { $words += "--duration=$Duration" }
            if ($MinTtl) { $words += "--min-ttl=$MinTtl" }
            if ($MfaCode) { $words += "--mfa-code=$MfaCode" }
            $words += @($Arguments | Where-Object { $_ })
            $script:Armed = $true
            $script:Inherited = $false
            $held = @()
            if ($State.k -and (Test-Ours)) { $held = @('--held') } else { Restore-Environment }
            $status = 127
            if (Test-Program) {
                $status = Receive-Answer (@('hook-env', 'powershell', '--by-hand') + $held + @('--') + $words)
            }
            $global:LASTEXITCODE = $status
            if ($status -eq 0) { Set-Here; return }
            if ($Half) { Restore-Environment; $State.w = '' }
            $ErrorActionPreference = 'Ignore'
            $PSCmdlet.WriteError((Get-Failure 'leapp use'))
        }

        <#
        .SYNOPSIS
        Switches off what is on in this shell.
        #>
        function Exit-LeappSession {
            [CmdletBinding()] param()
            $code = Get-Variable -Name LASTEXITCODE -Scope Global -ValueOnly -ErrorAction Ignore
            $script:Armed = $true
            $script:Inherited = $false
            $name = Get-SessionName
            Restore-Environment
            # What `leapp env` or an outer shell has put there goes too.
            if ($env:LEAPP_STATE) {
                $name = Get-OuterName
                if (Test-Program) {
                    $answer = Invoke-Program @('env', '--unset', '--shell=powershell')
                    if ($answer[0] -eq 0) {
                        $global:__leapp_leaving = $true
                        try {
                            Invoke-Expression -Command ($answer[1] -join "`n")
                        } finally {
                            Remove-Variable -Name __leapp_leaving -Scope Global -ErrorAction Ignore
                        }
                    } elseif ($env:AWS_ACCESS_KEY_ID -and "$env:LEAPP_STATE".Contains(";$env:AWS_ACCESS_KEY_ID;")) {
                        foreach ($variable in $Group) { Set-Value $variable $null }
                    }
                }
                foreach ($marker in 'LEAPP_SESSION', 'LEAPP_STATE') { Set-Value $marker $null }
            }
            foreach ($letter in 'c', 'l', 'h') { $State[$letter] = '' }
            $State.w = 'o'
            Set-Here
            $global:LASTEXITCODE = $code
            $what = if ($name) { "$name is off" } else { 'nothing was on' }
            Write-Line "leapp: $what; directories switch on again when another project is entered"
        }

        <#
        .SYNOPSIS
        Runs leapp doctor with what this shell's hook knows of itself.
        #>
        function Test-LeappHook {
            [CmdletBinding(PositionalBinding = $false)]
            param([Parameter(ValueFromRemainingArguments)] [string[]] $Arguments)
            $prompt = if ("${function:global:prompt}" -ceq "$OnPrompt") { 'ours' } else { 'other' }
            $location = if ($null -eq $OnLocation) { 'none' } else { 'ours' }
            $moved = @($Kept.Keys | Where-Object { "$($Kept[$_])" -cne "$(Get-Value $_)" }) -join ' '
            $report = "powershell;version=$($PSVersionTable.PSVersion);text=LEAPP_HOOK_TEXT;loads=1;owner=$($State.w);"
            $report += "prompt=$prompt;cd=$location;moved=$moved;"
            if (-not (Test-Program)) { $global:LASTEXITCODE = 127; return }
            & $Program doctor "--hook=$report" @Arguments
        }

        Set-Alias -Name leapp-use -Value Enter-LeappSession
        Set-Alias -Name leapp-off -Value Exit-LeappSession
        Set-Alias -Name leapp-doctor -Value Test-LeappHook
        Export-ModuleMember -Function @('Enter-LeappSession', 'Exit-LeappSession', 'Test-LeappHook') -Alias @('leapp-use', 'leapp-off', 'leapp-doctor')
    } | Import-Module -Global -DisableNameChecking
}
